//! placeholder while the library is written
