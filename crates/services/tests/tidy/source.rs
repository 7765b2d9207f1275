//! Reads Rust just well enough for rules about it: what is a string, what is a comment, where a function ends.

use std::path::{Path, PathBuf};

/// A Rust file, taken apart.
pub struct Source {
    /// Path from the root of the checkout, with `/`.
    pub path: String,
    pub text: String,
    /// The text with the insides of comments, strings and characters blanked; lines stay where they were.
    pub code: String,
    /// The insides of its strings.
    pub strings: Vec<String>,
}

/// A function with a body.
pub struct Function {
    pub name: String,
    pub first_line: usize,
    pub lines: usize,
}

impl Source {
    pub fn parse(path: String, text: String) -> Self {
        let (code, strings) = take_apart(&text);
        Self { path, text, code, strings }
    }

    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Every function that has a body, nested ones too.
    pub fn functions(&self) -> Vec<Function> {
        let code = self.code.as_bytes();
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let starts_word = at == 0 || !is_word(code[at - 1]);
            let name: String = self.code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !starts_word || name.is_empty() {
                continue;
            }
            if let Some(end) = end_of_function(&code[at..]) {
                let lines = self.code[at..at + end].matches('\n').count() + 1;
                found.push(Function { name, first_line: self.code[..at].matches('\n').count() + 1, lines });
            }
        }
        found
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The offset after the brace that closes the body; `None` for a declaration without one.
fn end_of_function(code: &[u8]) -> Option<usize> {
    let (mut round_or_square, mut curly) = (0, 0);
    for (at, byte) in code.iter().enumerate() {
        match byte {
            b'(' | b'[' => round_or_square += 1,
            b')' | b']' => round_or_square -= 1,
            b';' if round_or_square == 0 && curly == 0 => return None,
            b'{' => curly += 1,
            b'}' => {
                curly -= 1;
                if curly == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Code with everything else blanked, and the strings.
fn take_apart(text: &str) -> (String, Vec<String>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut strings, mut at) = (String::with_capacity(text.len()), Vec::new(), 0);
    while at < chars.len() {
        let rest = &chars[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['r', ..] if !at.checked_sub(1).is_some_and(|b| chars[b].is_alphanumeric() || chars[b] == '_') => {
                raw_string(rest, &mut strings)
            }
            ['"', ..] => string(rest, &mut strings),
            ['\'', '\\', ..] => rest.iter().skip(3).position(|c| *c == '\'').map_or(rest.len(), |n| n + 4),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        let blanked = &rest[..length];
        if blanked.is_empty() {
            code.push(rest[0]);
            at += 1;
        } else {
            code.extend(blanked.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at += length;
        }
    }
    (code, strings)
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at + 1 < rest.len() {
        match (rest[at], rest[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string(rest: &[char], strings: &mut Vec<String>) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    let end = at.min(rest.len());
    strings.push(rest[1..end].iter().collect());
    (end + 1).min(rest.len())
}

/// `r"…"` and `r#"…"#`; zero when it is just a word that begins with r.
fn raw_string(rest: &[char], strings: &mut Vec<String>) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let from = 2 + hashes;
    let closes = |at: usize| rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    let end = (from..rest.len()).find(|at| closes(*at)).unwrap_or(rest.len());
    strings.push(rest[from..end].iter().collect());
    (end + 1 + hashes).min(rest.len())
}

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/services is two below the root").to_path_buf()
}

/// Files with this ending below some folders of the checkout, in order.
pub fn files(folders: &[&str], ending: &str) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|f| root.join(f)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("a folder entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let name =
                    path.strip_prefix(&root).expect("below the root").components().map(|c| c.as_os_str().to_string_lossy());
                found.push((name.collect::<Vec<_>>().join("/"), text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn strings_comments_and_characters_are_not_code() {
    let text =
        "fn a() { let s = \"fn b() { \\\" }\"; } // fn c() {}\n/* fn d() { /* } */ } */ fn e<'a>() { '{'; '\\''; r#\"}\"fn\"#; }";
    let source = Source::parse(String::new(), text.to_owned());
    let names: Vec<_> = source.functions().into_iter().map(|f| f.name).collect();
    assert_eq!(names, ["a", "e"]);
    assert_eq!(source.strings, ["fn b() { \\\" }", "}\"fn"]);
    assert_eq!(source.code.lines().count(), 2);
}

#[test]
fn a_function_is_as_long_as_its_lines() {
    let text =
        "trait T { fn none(&self, x: [u8; 2]); }\nfn two(\n) {}\nfn outer() {\n    fn inner() {\n    }\n}\nlet f: fn(u8) -> u8;";
    let functions = Source::parse(String::new(), text.to_owned()).functions();
    let seen: Vec<_> = functions.iter().map(|f| (f.name.as_str(), f.first_line, f.lines)).collect();
    assert_eq!(seen, [("two", 2, 2), ("outer", 4, 4), ("inner", 5, 2)]);
}
