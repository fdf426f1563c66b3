//! A bounded memory of what was looked up recently.

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    sync::{Mutex, PoisonError},
};

/// Remembers facts that never change, at most `2 * half` of them. Two generations: when the
/// young one is full it becomes the old one, and the old one is forgotten; what is asked for
/// again moves back into the young one. Nothing is ever walked, so a hit costs two hashes.
pub struct Recent<K, V> {
    half: usize,
    generations: Mutex<Generations<K, V>>,
}

struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash + Copy, V: Clone> Recent<K, V> {
    /// Remembers at most `2 * half` facts.
    pub fn new(half: usize) -> Self {
        let generations = Generations {
            young: HashMap::new(),
            old: HashMap::new(),
        };
        Self {
            half,
            generations: Mutex::new(generations),
        }
    }

    /// What is remembered about `key`.
    pub fn get(&self, key: K) -> Option<V> {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = generations.young.get(&key) {
            return Some(value.clone());
        }
        let value = generations.old.remove(&key)?;
        generations.insert(key, value.clone(), self.half);
        Some(value)
    }

    /// Remembers a fact.
    pub fn insert(&self, key: K, value: V) {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        generations.insert(key, value, self.half);
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn insert(&mut self, key: K, value: V, half: usize) {
        if self.young.len() >= half {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded_and_keeps_what_is_asked_for() {
        let recent = Recent::new(10);
        recent.insert(0, "kept");
        for key in 1..1_000 {
            recent.insert(key, "passing");
            assert_eq!(recent.get(0), Some("kept"));
        }
        let generations = recent.generations.lock().expect("no panic");
        assert!(generations.young.len() + generations.old.len() <= 20);
        assert!(!generations.young.contains_key(&1) && !generations.old.contains_key(&1));
    }
}
