//! Go's `sort.Sort` for a comparison that calls equal items "less", as Kubernetes' sorters do: where items are equal, the order
//! that comes out is the algorithm's own, so the algorithm is followed step by step.
//!
//! Follows Go's `sort` package (pattern-defeating quicksort; Go 1.19 and later).

/// Lists up to this length are sorted by insertion.
const SHORT: usize = 12;
/// From this length on a pivot is the median of three medians, and nearly sorted lists are repaired.
const LONG: usize = 50;

/// Sorts by text as Kubernetes' clients do: up to twelve items, those of equal text come out in reverse.
pub(in crate::apply) fn go_sorted<T>(items: Vec<T>, text: impl Fn(&T) -> String) -> Vec<T> {
    let mut sort = Sort(items.into_iter().map(|item| (text(&item), item)).collect());
    let length = sort.0.len();
    sort.run(0, length, usize::BITS - length.leading_zeros());
    sort.0.into_iter().map(|(_, item)| item).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Increasing,
    Decreasing,
    Unknown,
}

struct Sort<T>(Vec<(String, T)>);

impl<T> Sort<T> {
    fn less(&self, i: usize, j: usize) -> bool {
        self.0[i].0 <= self.0[j].0
    }

    fn run(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        loop {
            let length = b - a;
            if length <= SHORT {
                return self.insert(a, b);
            }
            if limit == 0 {
                return self.heap(a, b);
            }
            if !balanced {
                self.break_patterns(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.pivot(a, b);
            if hint == Hint::Decreasing {
                self.0[a..b].reverse();
                (pivot, hint) = (b - 1 - (pivot - a), Hint::Increasing);
            }
            if balanced && partitioned && hint == Hint::Increasing && self.repair(a, b) {
                return;
            }
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let (middle, already) = self.partition(a, b, pivot);
            partitioned = already;
            let (left, right) = (middle - a, b - middle);
            balanced = left.min(right) >= length / 8;
            if left < right {
                self.run(a, middle, limit);
                a = middle + 1;
            } else {
                self.run(middle + 1, b, limit);
                b = middle;
            }
        }
    }

    fn insert(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.0.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    fn heap(&mut self, a: usize, b: usize) {
        let length = b - a;
        for root in (0..length.div_ceil(2)).rev() {
            self.sift_down(root, length, a);
        }
        for end in (0..length).rev() {
            self.0.swap(a, a + end);
            self.sift_down(0, end, a);
        }
    }

    fn sift_down(&mut self, mut root: usize, end: usize, first: usize) {
        while 2 * root + 1 < end {
            let mut child = 2 * root + 1;
            if child + 1 < end && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.0.swap(first + root, first + child);
            root = child;
        }
    }

    /// Scatters three items, by a random number that depends on the length alone.
    fn break_patterns(&mut self, a: usize, b: usize) {
        let length = b - a;
        let (mut random, mask) = (length as u64, (1_u64 << (u64::BITS - (length as u64).leading_zeros())) - 1);
        let middle = a + length / 4 * 2 - 1;
        for i in 0..3 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let other = (random & mask) as usize;
            self.0.swap(middle + i, a + if other >= length { other - length } else { other });
        }
    }

    fn pivot(&self, a: usize, b: usize) -> (usize, Hint) {
        let (length, mut swaps) = (b - a, 0);
        let quarter = length / 4;
        let [mut i, mut j, mut k] = [1, 2, 3].map(|n| a + quarter * n);
        if length >= LONG {
            [i, j, k] = [i, j, k].map(|n| self.median([n - 1, n, n + 1], &mut swaps));
        }
        j = self.median([i, j, k], &mut swaps);
        let hint = match swaps {
            0 => Hint::Increasing,
            12 => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (j, hint)
    }

    fn median(&self, mut of: [usize; 3], swaps: &mut u32) -> usize {
        for (i, j) in [(0, 1), (1, 2), (0, 1)] {
            if self.less(of[j], of[i]) {
                *swaps += 1;
                of.swap(i, j);
            }
        }
        of[1]
    }

    /// Sorts a list that needs at most a few swaps; false if it needs more.
    fn repair(&mut self, a: usize, b: usize) -> bool {
        let mut i = a + 1;
        for _ in 0..5 {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < LONG {
                return false;
            }
            self.0.swap(i, i - 1);
            if i - a >= 2 {
                let mut j = i - 1;
                while j >= 1 && self.less(j, j - 1) {
                    self.0.swap(j, j - 1);
                    j -= 1;
                }
            }
            if b - i >= 2 {
                let mut j = i + 1;
                while j < b && self.less(j, j - 1) {
                    self.0.swap(j, j - 1);
                    j += 1;
                }
            }
        }
        false
    }

    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.0.swap(a, pivot);
        let (mut i, mut j, mut already) = (a + 1, b - 1, true);
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                self.0.swap(j, a);
                return (j, already);
            }
            self.0.swap(i, j);
            (i, j, already) = (i + 1, j - 1, false);
        }
    }

    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.0.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.0.swap(i, j);
            (i, j) = (i + 1, j - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::go_sorted;

    #[test]
    fn equal_texts_of_a_short_list_come_out_reversed() {
        assert_eq!(go_sorted(vec![(53, 'a'), (8, 'b'), (53, 'c')], |p| p.0.to_string()), [(53, 'c'), (53, 'a'), (8, 'b')]);
    }
}
