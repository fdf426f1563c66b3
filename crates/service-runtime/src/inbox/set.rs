//! Ordered, disjoint ranges of sequence numbers, with the text form of `int8multirange`.

use std::{fmt, ops::RangeInclusive, str::FromStr};

/// A text that is not a multirange of sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a multirange of sequence numbers")]
pub struct MalformedSet;

/// A set of sequence numbers: ordered, disjoint ranges that do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeqSet {
    /// First and last of each range, both inclusive.
    ranges: Vec<(u64, u64)>,
}

impl SeqSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// The set of one range; empty when `last` is below `first`.
    pub fn of_range(first: u64, last: u64) -> Self {
        let mut set = Self::new();
        set.add_range(first, last);
        set
    }

    /// Adds one number; false when it was there.
    pub fn add(&mut self, seq: u64) -> bool {
        let fresh = !self.contains(seq);
        if fresh {
            self.add_range(seq, seq);
        }
        fresh
    }

    /// Adds a range; nothing when `last` is below `first`.
    pub fn add_range(&mut self, first: u64, last: u64) {
        if last < first {
            return;
        }
        // Everything from the first range that touches the new one to the last that does.
        let from = self
            .ranges
            .partition_point(|range| range.1.saturating_add(1) < first);
        let to = self
            .ranges
            .partition_point(|range| range.0 <= last.saturating_add(1));
        let merged = self.ranges[from..to]
            .iter()
            .fold((first, last), |all, range| {
                (all.0.min(range.0), all.1.max(range.1))
            });
        self.ranges.splice(from..to, [merged]);
    }

    /// Whether the number is in the set.
    pub fn contains(&self, seq: u64) -> bool {
        let index = self.ranges.partition_point(|range| range.1 < seq);
        self.ranges.get(index).is_some_and(|range| range.0 <= seq)
    }

    /// The ranges in order.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
        self.ranges.iter().map(|range| range.0..=range.1)
    }

    /// How many ranges there are: what the set costs.
    pub fn count_ranges(&self) -> usize {
        self.ranges.len()
    }

    /// How many numbers there are.
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|range| range.1 - range.0 + 1).sum()
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The highest number; 0 when empty.
    pub fn highest(&self) -> u64 {
        self.ranges.last().map_or(0, |range| range.1)
    }

    /// The largest `n` of which `[1, n]` is in the set; 0 when 1 is missing.
    pub fn contiguous(&self) -> u64 {
        self.ranges
            .first()
            .filter(|range| range.0 <= 1)
            .map_or(0, |range| range.1)
    }

    /// Whether the set is exactly `[1, n]` or, for 0, empty.
    pub fn is_complete_to(&self, n: u64) -> bool {
        self.count_ranges() <= 1 && self.contiguous() == n && self.highest() == n
    }

    /// What of `[1, n]` is not in the set.
    #[must_use]
    pub fn missing_to(&self, n: u64) -> Self {
        Self::of_range(1, n).without(self)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Self::new();
        let mut cuts = other.ranges.iter().peekable();
        for &(first, last) in &self.ranges {
            let mut from = first;
            while let Some(&&(cut_first, cut_last)) = cuts.peek() {
                if cut_first > last {
                    break;
                }
                if cut_first > from {
                    left.ranges.push((from, cut_first - 1));
                }
                from = from.max(cut_last.saturating_add(1));
                if cut_last > last {
                    break;
                }
                cuts.next();
            }
            if from <= last {
                left.ranges.push((from, last));
            }
        }
        left
    }

    /// Adds every number of `other`.
    pub fn extend_with(&mut self, other: &Self) {
        for &(first, last) in &other.ranges {
            self.add_range(first, last);
        }
    }
}

impl FromIterator<u64> for SeqSet {
    fn from_iter<I: IntoIterator<Item = u64>>(seqs: I) -> Self {
        let mut set = Self::new();
        for seq in seqs {
            set.add(seq);
        }
        set
    }
}

impl fmt::Display for SeqSet {
    /// As Postgres prints it: half-open ranges in braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, &(first, last)) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}[{first},{})", last.saturating_add(1))?;
        }
        f.write_str("}")
    }
}

impl FromStr for SeqSet {
    type Err = MalformedSet;

    /// Reads the canonical form, which is the only one that Postgres prints: `{[1,4),[6,7)}`.
    fn from_str(text: &str) -> Result<Self, MalformedSet> {
        let inner = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let inner = inner.ok_or(MalformedSet)?;
        let mut set = Self::new();
        if inner.is_empty() {
            return Ok(set);
        }
        let inner = inner
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(')'));
        for range in inner.ok_or(MalformedSet)?.split("),[") {
            let (first, end) = range.split_once(',').ok_or(MalformedSet)?;
            let first: u64 = first.parse().map_err(|_| MalformedSet)?;
            let end: u64 = end.parse().map_err(|_| MalformedSet)?;
            if end <= first {
                return Err(MalformedSet);
            }
            set.add_range(first, end - 1);
        }
        Ok(set)
    }
}
