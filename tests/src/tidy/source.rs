//! A Rust file by line, split into code, string literals and comments, so that a rule about
//! code is not broken by a comment that explains it. No parser: a scanner that knows literals.

/// A line of a Rust file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Without comments and without what stands in string literals; their quotes remain.
    pub code: String,
    /// Only string literals, with their quotes.
    pub strings: String,
    /// Only comments.
    pub comment: String,
    /// Whether it is only compiled for tests.
    pub test: bool,
}

/// A function of a Rust file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of its `fn`, counted from one.
    pub line: usize,
    /// Lines from there to its closing brace that are neither blank nor comment.
    pub length: usize,
}

/// A Rust file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Relative to the workspace.
    pub path: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

enum State {
    Code,
    LineComment,
    /// How deeply block comments are nested.
    BlockComment(usize),
    String,
    /// Closed by a quote and this many hashes.
    RawString(usize),
}

impl Source {
    /// Reads a file.
    pub fn parse(path: &str, text: &str) -> Self {
        let mut lines = split(text);
        if is_test_path(path) {
            for line in &mut lines {
                line.test = true;
            }
        } else {
            mark_tests(&mut lines);
        }
        Self {
            path: path.to_owned(),
            lines,
        }
    }

    /// Its functions with a body, in order.
    pub fn functions(&self) -> Vec<Function> {
        let code = flatten(&self.lines);
        let mut found = Vec::new();
        for index in 0..code.len() {
            let Some(name) = function_name(&code, index) else {
                continue;
            };
            let Some(open) = body(&code, index) else {
                continue;
            };
            let close = closing(&code, open);
            let (first, last) = (code[index].1, code[close].1);
            let length = self.lines[first..=last]
                .iter()
                .filter(|line| !line.code.trim().is_empty() || !line.strings.trim().is_empty())
                .count();
            found.push(Function {
                name,
                line: first + 1,
                length,
            });
        }
        found
    }
}

/// Integration tests, system tests, and test modules in files of their own.
fn is_test_path(path: &str) -> bool {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    file == "tests.rs"
        || folders
            .split('/')
            .any(|folder| folder == "tests" || folder == "benches")
}

fn split(text: &str) -> Vec<Line> {
    let text: Vec<char> = text.chars().collect();
    let mut lines = vec![Line::default()];
    let mut state = State::Code;
    let mut at = 0;
    while at < text.len() {
        let line = lines.last_mut().expect("there is always a line");
        let here = text[at];
        let next = text.get(at + 1).copied().unwrap_or('\n');
        if here == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(Line::default());
            at += 1;
            continue;
        }
        let taken = match state {
            State::Code => code_char(&text, at, line, &mut state),
            State::LineComment => {
                line.comment.push(here);
                1
            }
            State::BlockComment(depth) => {
                let (change, taken) = match (here, next) {
                    ('*', '/') => (depth - 1, 2),
                    ('/', '*') => (depth + 1, 2),
                    _ => (depth, 1),
                };
                line.comment.push(here);
                state = if change == 0 {
                    State::Code
                } else {
                    State::BlockComment(change)
                };
                taken
            }
            State::String => {
                line.strings.push(here);
                if here == '\\' && next != '\n' {
                    line.strings.push(next);
                    2
                } else {
                    if here == '"' {
                        line.code.push('"');
                        state = State::Code;
                    }
                    1
                }
            }
            State::RawString(hashes) => {
                line.strings.push(here);
                let ends = here == '"'
                    && text[at + 1..]
                        .iter()
                        .take_while(|after| **after == '#')
                        .count()
                        >= hashes;
                if ends {
                    line.code.push('"');
                    state = State::Code;
                }
                if ends { 1 + hashes } else { 1 }
            }
        };
        at += taken;
    }
    lines
}

/// Takes what starts at `at` in code and returns how many characters that was.
fn code_char(text: &[char], at: usize, line: &mut Line, state: &mut State) -> usize {
    let here = text[at];
    let next = text.get(at + 1).copied().unwrap_or('\n');
    match (here, next) {
        ('/', '/') => {
            line.code.push(' ');
            *state = State::LineComment;
            2
        }
        ('/', '*') => {
            line.code.push(' ');
            *state = State::BlockComment(1);
            2
        }
        ('"', _) => {
            open_string(line);
            *state = State::String;
            1
        }
        ('r', '"' | '#') if at == 0 || !is_word(text[at - 1]) || text[at - 1] == 'b' => {
            let hashes = text[at + 1..]
                .iter()
                .take_while(|after| **after == '#')
                .count();
            if text.get(at + 1 + hashes) == Some(&'"') {
                open_string(line);
                *state = State::RawString(hashes);
                2 + hashes
            } else {
                line.code.push(here);
                1
            }
        }
        ('\'', '\\') => {
            // An escaped character: up to the quote that ends it.
            let end = text[at + 3..].iter().position(|after| *after == '\'');
            end.map_or(1, |end| end + 4)
        }
        ('\'', _) if text.get(at + 2) == Some(&'\'') => 3,
        _ => {
            line.code.push(here);
            1
        }
    }
}

fn open_string(line: &mut Line) {
    line.code.push('"');
    line.strings.push_str(" \"");
}

/// Whether the character can be part of a name.
pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn mark_tests(lines: &mut [Line]) {
    let code = flatten(lines);
    for first in 0..lines.len() {
        if !lines[first].code.contains("#[cfg(test)]") {
            continue;
        }
        let Some(start) = code.iter().position(|(_, line)| *line == first) else {
            continue;
        };
        let end = code[start..]
            .iter()
            .position(|(character, _)| matches!(character, '{' | ';'));
        let Some(end) = end.map(|offset| start + offset) else {
            continue;
        };
        let end = if code[end].0 == '{' {
            closing(&code, end)
        } else {
            end
        };
        for line in &mut lines[first..=code[end].1] {
            line.test = true;
        }
    }
}

/// All code with the line (from zero) of each character; every line ends with a space.
fn flatten(lines: &[Line]) -> Vec<(char, usize)> {
    lines
        .iter()
        .enumerate()
        .flat_map(|(number, line)| {
            line.code
                .chars()
                .chain([' '])
                .map(move |character| (character, number))
        })
        .collect()
}

/// The name of the function whose `fn` starts at `index`.
fn function_name(code: &[(char, usize)], index: usize) -> Option<String> {
    let starts = index == 0 || !is_word(code[index - 1].0);
    if !starts || code.len() < index + 3 || code[index].0 != 'f' || code[index + 1].0 != 'n' {
        return None;
    }
    let rest = &code[index + 2..];
    if rest[0].0 != ' ' {
        return None;
    }
    let name: String = rest
        .iter()
        .map(|(character, _)| *character)
        .skip_while(|character| *character == ' ')
        .take_while(|character| is_word(*character))
        .collect();
    (!name.is_empty()).then_some(name)
}

/// Where the body of the function at `index` opens; none for a declaration.
fn body(code: &[(char, usize)], index: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, (character, _)) in code[index..].iter().enumerate() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '{' if depth == 0 => return Some(index + offset),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where the brace that opens at `open` closes.
fn closing(code: &[(char, usize)], open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, (character, _)) in code[open..].iter().enumerate() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return open + offset;
        }
    }
    code.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Source::parse("crates/a/src/lib.rs", text).lines.remove(0)
    }

    #[test]
    fn code_strings_and_comments_are_told_apart() {
        let parsed = line(r#"let a = "SELECT \" 1"; // tokio"#);
        assert_eq!(parsed.code.trim(), r#"let a = "";"#);
        assert_eq!(parsed.strings.trim(), r#""SELECT \" 1""#);
        assert_eq!(parsed.comment.trim(), "tokio");
    }

    #[test]
    fn raw_strings_characters_and_lifetimes_do_not_confuse_it() {
        assert_eq!(line(r##"f(r#"a "b" // c"#, x)"##).code, r#"f("", x)"#);
        assert_eq!(line(r"g::<'a>('x', '\'', '{')").code, "g::<'a>(, , )");
        assert_eq!(line("h(/* tokio /* nested */ still */ 1)").code, "h(  1)");
    }

    #[test]
    fn tests_are_known_by_attribute_and_by_path() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let parsed = Source::parse("crates/a/src/lib.rs", text);
        let tests: Vec<bool> = parsed.lines.iter().map(|line| line.test).collect();
        assert_eq!(tests, [false, true, true, true, true, false, false]);
        assert!(Source::parse("crates/a/tests/it/x.rs", "fn a() {}").lines[0].test);
        assert!(Source::parse("crates/a/src/x/tests.rs", "fn a() {}").lines[0].test);
    }

    #[test]
    fn a_function_is_as_long_as_its_lines_of_code() {
        let text = "pub async fn long(\n    a: fn(u8) -> u8,\n) -> [u8; 3] {\n    // why\n\n    \
                    f(a)\n}\nfn declared();\n";
        let parsed = Source::parse("crates/a/src/lib.rs", text).functions();
        assert_eq!(
            parsed,
            [Function {
                name: "long".to_owned(),
                line: 1,
                length: 5
            }]
        );
    }
}
