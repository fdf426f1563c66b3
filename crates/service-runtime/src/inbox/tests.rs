use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn both(seqs: &[u64]) -> (SeqSet, BTreeSet<u64>) {
    (
        seqs.iter().copied().collect(),
        seqs.iter().copied().collect(),
    )
}

fn listed(set: &SeqSet) -> Vec<u64> {
    set.ranges().flatten().collect()
}

proptest! {
    #[test]
    fn a_set_behaves_as_a_tree_of_numbers(seqs in prop::collection::vec(1u64..60, 0..80)) {
        let mut set = SeqSet::new();
        let mut tree = BTreeSet::new();
        for seq in seqs {
            prop_assert_eq!(set.add(seq), tree.insert(seq));
        }
        prop_assert_eq!(listed(&set), tree.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(set.count(), tree.len() as u64);
        prop_assert_eq!(set.highest(), tree.last().copied().unwrap_or(0));
        for seq in 0..62 {
            prop_assert_eq!(set.contains(seq), tree.contains(&seq));
        }
        let contiguous = (1..100).take_while(|seq| tree.contains(seq)).last().unwrap_or(0);
        prop_assert_eq!(set.contiguous(), contiguous);
        prop_assert_eq!(set.is_complete_to(contiguous), tree.len() as u64 == contiguous);
        let gaps = tree.iter().filter(|seq| !tree.contains(&(**seq + 1))).count();
        prop_assert_eq!(set.count_ranges(), gaps, "ranges that touch are one range");
    }

    #[test]
    fn ranges_and_set_operations_agree_with_the_tree(
        ones in prop::collection::vec((1u64..60, 0u64..9), 0..12),
        others in prop::collection::vec(1u64..60, 0..40),
        end in 0u64..70,
    ) {
        let mut set = SeqSet::new();
        let mut tree = BTreeSet::new();
        for (first, more) in ones {
            set.add_range(first, first + more);
            tree.extend(first..=first + more);
        }
        let (other, other_tree) = both(&others);
        let difference: Vec<u64> = tree.difference(&other_tree).copied().collect();
        prop_assert_eq!(listed(&set.without(&other)), difference);
        let common: Vec<u64> = tree.intersection(&other_tree).copied().collect();
        prop_assert_eq!(listed(&set.intersection(&other)), common);
        let missing: Vec<u64> = (1..=end).filter(|seq| !tree.contains(seq)).collect();
        prop_assert_eq!(listed(&set.missing_to(end)), missing);
        let mut union = set.clone();
        union.extend_with(&other);
        prop_assert_eq!(listed(&union), tree.union(&other_tree).copied().collect::<Vec<_>>());
    }

    #[test]
    fn a_set_survives_its_text_form(seqs in prop::collection::vec(1u64..200, 0..80)) {
        let (set, _) = both(&seqs);
        prop_assert_eq!(set.to_string().parse(), Ok(set));
    }
}

#[test]
fn the_text_form_is_that_of_postgres() {
    let (set, _) = both(&[1, 2, 3, 6]);
    assert_eq!(set.to_string(), "{[1,4),[6,7)}");
    assert_eq!(SeqSet::new().to_string(), "{}");
}

#[test]
fn nonsense_is_not_a_set() {
    for text in [
        "", "{", "[1,2)", "{[1,2]}", "{[1)}", "{[2,2)}", "{[1,2),}", "{[a,b)}", "{(,)}",
    ] {
        assert_eq!(
            text.parse::<SeqSet>(),
            Err(MalformedSet),
            "{text} was accepted"
        );
    }
}

#[test]
fn an_empty_range_adds_nothing() {
    assert!(SeqSet::of_range(5, 4).is_empty());
    assert!(SeqSet::new().is_complete_to(0));
    assert_eq!(SeqSet::new().missing_to(3).to_string(), "{[1,4)}");
}
