//! Vapi alone.
