//! Constants with their doc comments, read from a source file.

use std::time::Duration;

/// A public constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// The expression after the equals sign.
    pub value: String,
    /// Its doc comment on one line; links are plain code.
    pub doc: String,
}

/// The public constants of a source text, in order.
pub fn parse(text: &str) -> Vec<Constant> {
    let mut found = Vec::new();
    let mut doc: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            doc.push(comment.trim());
        } else if let Some(constant) = line.strip_prefix("pub const ") {
            if let Some((name, value)) = constant.split_once('=') {
                let name = name.split(':').next().unwrap_or_default().trim();
                found.push(Constant {
                    name: name.to_owned(),
                    value: value.trim().trim_end_matches(';').to_owned(),
                    doc: doc.join(" ").replace("[`", "`").replace("`]", "`"),
                });
            }
            doc.clear();
        } else {
            doc.clear();
        }
    }
    found
}

/// A product of integers, as `64 * 1024`.
pub fn number(expression: &str) -> Option<u64> {
    expression.split('*').try_fold(1_u64, |product, factor| {
        product.checked_mul(factor.trim().replace('_', "").parse().ok()?)
    })
}

/// A duration, as `Duration::from_hours(7 * 24)`.
pub fn duration(expression: &str) -> Option<Duration> {
    const SECONDS: &[(&str, u64)] = &[("from_hours", 3_600), ("from_mins", 60), ("from_secs", 1)];
    let call = expression.strip_prefix("Duration::")?.strip_suffix(')')?;
    let (unit, argument) = call.split_once('(')?;
    let argument = number(argument)?;
    if unit == "from_millis" {
        return Some(Duration::from_millis(argument));
    }
    let (_, seconds) = SECONDS.iter().find(|(name, _)| *name == unit)?;
    Some(Duration::from_secs(argument.checked_mul(*seconds)?))
}

/// Bytes in the largest unit that divides them.
pub fn bytes_in_words(bytes: u64) -> String {
    const UNITS: &[(u64, &str)] = &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    UNITS
        .iter()
        .find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(
            || format!("{bytes} bytes"),
            |(unit, name)| format!("{} {name}", bytes / unit),
        )
}

/// A duration in the largest unit that divides it.
pub fn duration_in_words(duration: Duration) -> String {
    const UNITS: &[(u64, &str)] = &[(86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")];
    if duration.subsec_millis() != 0 {
        return format!("{} ms", duration.as_millis());
    }
    let seconds = duration.as_secs();
    UNITS
        .iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit))
        .map_or_else(
            || "0 s".to_owned(),
            |(unit, name)| format!("{} {name}", seconds / unit),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_read_with_its_reason() {
        let text = "/// A body. See\n/// [`OTHER`].\npub const BODY_BYTES: usize = 64 * 1024;\n";
        let expected = Constant {
            name: "BODY_BYTES".to_owned(),
            value: "64 * 1024".to_owned(),
            doc: "A body. See `OTHER`.".to_owned(),
        };
        assert_eq!(parse(text), [expected]);
    }

    #[test]
    fn values_are_told_in_units_that_people_use() {
        assert_eq!(number("8 * 1024 * 1_024"), Some(8 * 1024 * 1024));
        assert_eq!(bytes_in_words(8 << 20), "8 MiB");
        let week = duration("Duration::from_hours(7 * 24)").expect("a duration");
        assert_eq!(duration_in_words(week), "7 days");
        assert_eq!(duration_in_words(Duration::from_secs(90)), "90 s");
        assert_eq!(duration_in_words(Duration::from_millis(1_500)), "1500 ms");
    }
}
