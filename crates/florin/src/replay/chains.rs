//! What may be sent when. Rows that share a wallet go one after the other, in file order, so
//! that every balance after a row is the one that the file means; all others go side by side.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The rows that may go, and what becomes free when one is done.
#[derive(Debug)]
pub struct Chains {
    /// The next row of each of a row's wallets.
    next: Vec<[Option<usize>; 2]>,
    /// Rows that a row waits for; one that it shares both wallets with counts twice.
    waits_for: Vec<u8>,
    /// Earlier rows first: a second run meets the same order.
    free: BinaryHeap<Reverse<usize>>,
}

impl Chains {
    /// Chains rows by the wallets they touch; wallets are numbered from 0.
    pub fn of(rows: impl Iterator<Item = (usize, Option<usize>)>) -> Self {
        let mut chains = Self {
            next: Vec::new(),
            waits_for: Vec::new(),
            free: BinaryHeap::new(),
        };
        // By wallet: its latest row, and which of the row's two wallets it is.
        let mut latest: Vec<Option<(usize, usize)>> = Vec::new();
        for (row, (wallet, counterparty)) in rows.enumerate() {
            chains.next.push([None; 2]);
            chains.waits_for.push(0);
            for (side, wallet) in std::iter::once(wallet).chain(counterparty).enumerate() {
                if latest.len() <= wallet {
                    latest.resize(wallet + 1, None);
                }
                if let Some((earlier, its_side)) = latest[wallet].replace((row, side)) {
                    chains.next[earlier][its_side] = Some(row);
                    chains.waits_for[row] += 1;
                }
            }
            if chains.waits_for[row] == 0 {
                chains.free.push(Reverse(row));
            }
        }
        chains
    }

    /// A row that may go now.
    pub fn take(&mut self) -> Option<usize> {
        self.free.pop().map(|Reverse(row)| row)
    }

    /// A row that was taken is done.
    pub fn done(&mut self, row: usize) {
        for next in self.next[row].into_iter().flatten() {
            self.waits_for[next] -= 1;
            if self.waits_for[next] == 0 {
                self.free.push(Reverse(next));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_go_side_by_side_and_neighbours_one_by_one() {
        let rows = [(0, None), (1, None), (0, Some(1)), (1, Some(0)), (2, None)];
        let mut chains = Chains::of(rows.into_iter());
        assert_eq!(
            [chains.take(), chains.take(), chains.take()],
            [Some(0), Some(1), Some(4)]
        );
        assert_eq!(chains.take(), None);
        chains.done(1);
        assert_eq!(chains.take(), None);
        chains.done(0);
        assert_eq!(chains.take(), Some(2));
        assert_eq!(chains.take(), None);
        chains.done(2);
        assert_eq!(chains.take(), Some(3));
    }

    #[test]
    fn every_row_goes_and_none_before_an_earlier_one_of_its_wallets() {
        // A fixed mixture: multiplication scatters the numbers.
        let rows: Vec<(usize, Option<usize>)> = (0..500_usize)
            .map(|n| (n * 37 % 23, (n % 3 > 0).then(|| n * 53 % 29 + 23)))
            .collect();
        let mut chains = Chains::of(rows.iter().copied());
        let (mut finished, mut open) = (Vec::new(), Vec::new());
        loop {
            open.extend(std::iter::from_fn(|| chains.take()));
            // The latest that went is done first: the worst order.
            let Some(row) = open.pop() else { break };
            chains.done(row);
            finished.push(row);
        }
        let mut sorted = finished.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..rows.len()).collect::<Vec<_>>());
        let touches = |row: usize, wallet| rows[row].0 == wallet || rows[row].1 == Some(wallet);
        for wallet in 0..52 {
            let own: Vec<usize> = finished
                .iter()
                .copied()
                .filter(|row| touches(*row, wallet))
                .collect();
            assert!(own.is_sorted(), "wallet {wallet}: {own:?}");
        }
    }
}
