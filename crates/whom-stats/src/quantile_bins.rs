//! Bins of a number by quantiles: exact, and without sorting all values.
//!
//! The edge of a bin is the value at a rank. A small sample cuts the line into [`CELLS`] cells of about equal size; each value
//! is put into its cell, after which it is known in which cell every wanted rank lies, and only these cells are sorted. The
//! sample decides what is sorted, never what comes of it.

use crate::ruler::Ruler;

type CellRuler = Ruler<{ 2 * CELLS }, { 4 * CELLS }>;
type EdgeRuler = Ruler<512, 1024>;

/// Cells; several times more than the bins, so that most cells hold no edge.
const CELLS: usize = 2048;
/// Values that are looked at to find the borders of a cell.
const SAMPLES_PER_CELL: usize = 4;
/// Fewer values than this are sorted.
const FEW: usize = 4 * CELLS * SAMPLES_PER_CELL;
/// More bins than this leave too few cells without an edge.
const MOST_BINS: usize = CELLS / 4;
/// Values that are compared with the known ones together.
const BLOCK: usize = 1024;

/// The bins of a number's values.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileBins {
    /// Upper edges, inclusive and ascending, each a value that occurs: bin `i` holds the values above edge `i - 1` up to edge
    /// `i`. Empty if there is no value.
    pub edges: Vec<f64>,
    /// Whether every distinct value has a bin of its own.
    pub exact: bool,
    /// The value in the middle, that is of rank `n / 2`; zero without a value.
    pub middle: f64,
}

impl QuantileBins {
    /// At most `most` bins of finite values, in any order: a bin per distinct value if these are not more, else bins of
    /// about equal size, whose edges are the values at the ranks `ceil(n i / most)` for `i` from 1 to `most`. Zero has one
    /// sign.
    pub fn of(values: &[f64], most: usize) -> Self {
        if values.len() < FEW || most > MOST_BINS {
            return Self::of_sorted(&sorted(values.to_vec()), most);
        }
        let sample = sorted(values.iter().copied().step_by(values.len() / (CELLS * SAMPLES_PER_CELL)).collect());
        if let Some(edges) = few_distinct(values, &sample, most) {
            let middle = middle_of(values, &edges);
            return Self { edges, exact: true, middle };
        }
        // The middle is one of the ranks, and after it those of the edges go on.
        let (mut ranks, middle) = (ranks(values.len(), most), values.len() / 2);
        let place = ranks.partition_point(|rank| *rank < middle);
        ranks.insert(place, middle);
        let mut edges = at_ranks(values, &sample, &ranks);
        let middle = if place < edges.len() { edges.remove(place) } else { 0.0 };
        edges.dedup();
        Self { edges, exact: false, middle }
    }

    fn of_sorted(sorted: &[f64], most: usize) -> Self {
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        let distinct: Vec<f64> =
            sorted.chunk_by(|one, next| one == next).take(most + 1).map(|equal| equal[0]).collect();
        if distinct.len() <= most {
            return Self { edges: distinct, exact: true, middle };
        }
        let mut edges: Vec<f64> = ranks(sorted.len(), most).iter().map(|rank| sorted[*rank]).collect();
        edges.dedup();
        Self { edges, exact: false, middle }
    }

    /// The bin of every value among the edges of bins, as codes; a value above the last edge has the bin after the last.
    pub fn encode<T: Copy + Default>(edges: &[f64], values: &[f64], as_code: impl Fn(usize) -> T) -> Vec<T> {
        let mut codes = vec![T::default(); values.len()];
        if let Some(ruler) = EdgeRuler::new(edges) {
            ruler.measure(values, &mut codes, as_code);
        } else {
            let bins = values.iter().map(|value| edges.partition_point(|edge| edge < value));
            codes.iter_mut().zip(bins).for_each(|(code, bin)| *code = as_code(bin));
        }
        codes
    }
}

/// The ranks of the edges of bins of about equal size, ascending.
fn ranks(values: usize, bins: usize) -> Vec<usize> {
    (1..=bins).map(|bin| (values * bin).div_ceil(bins) - 1).collect()
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    for value in &mut values {
        *value += 0.0;
    }
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The distinct values, ascending, if they are not more than `most`. Those of the sample are nearly all of them.
fn few_distinct(values: &[f64], sample: &[f64], most: usize) -> Option<Vec<f64>> {
    let mut known: Vec<f64> = sample.chunk_by(|one, next| one == next).map(|equal| equal[0]).take(most + 1).collect();
    if known.len() > most {
        return None;
    }
    let mut ruler = CellRuler::new(&known)?;
    let mut ranks = [0_u16; BLOCK];
    for values in values.chunks(BLOCK) {
        let ranks = &mut ranks[..values.len()];
        ruler.measure(values, ranks, |rank| rank as u16);
        let is_new = |(value, rank): (&f64, &u16)| known.get(usize::from(*rank)) != Some(value);
        if values.iter().zip(&*ranks).any(is_new) {
            known.extend(values);
            known = sorted(known);
            known.dedup();
            if known.len() > most {
                return None;
            }
            ruler = CellRuler::new(&known)?;
        }
    }
    Some(known)
}

/// The value in the middle, of values that are all among the distinct ones.
fn middle_of(values: &[f64], distinct: &[f64]) -> f64 {
    let Some(ruler) = CellRuler::new(distinct) else { return 0.0 };
    let (mut counts, mut ranks) = (vec![0; CELLS + 1], [0_u16; BLOCK]);
    for values in values.chunks(BLOCK) {
        let ranks = &mut ranks[..values.len()];
        ruler.measure(values, ranks, |rank| rank as u16);
        for rank in &*ranks {
            counts[usize::from(*rank)] += 1;
        }
    }
    let mut below = 0;
    let holds_middle = |(_, count): &(&f64, &usize)| -> bool {
        below += **count;
        below > values.len() / 2
    };
    distinct.iter().zip(&counts).find(holds_middle).map_or(0.0, |(value, _)| *value)
}

/// The values at ascending ranks below the number of values.
fn at_ranks(values: &[f64], sample: &[f64], ranks: &[usize]) -> Vec<f64> {
    let mut borders: Vec<f64> = (1..CELLS).map(|cell| sample[sample.len() * cell / CELLS]).collect();
    borders.dedup();
    let Some(ruler) = CellRuler::new(&borders) else { return Vec::new() };
    let mut cells = vec![0_u16; values.len()];
    ruler.measure(values, &mut cells, |cell| cell as u16);
    let mut sizes = [0; CELLS];
    for cell in &cells {
        sizes[usize::from(*cell) % CELLS] += 1;
    }
    let wanted = wanted(&sizes, ranks);
    let mut gathered = gathered(values, &cells, &wanted);
    let mut found = Vec::with_capacity(ranks.len());
    let (mut rest, mut ranks) = (gathered.as_mut_slice(), ranks.iter().copied().peekable());
    for Wanted { before, size, .. } in wanted {
        let (own, later) = rest.split_at_mut(size);
        own.sort_unstable_by(f64::total_cmp);
        while let Some(rank) = ranks.next_if(|rank| *rank < before + size) {
            found.push(own[rank - before] + 0.0);
        }
        rest = later;
    }
    found
}

/// A cell that holds wanted ranks.
struct Wanted {
    cell: usize,
    /// The values in all cells before.
    before: usize,
    size: usize,
}

/// The cells that hold one of some ascending ranks.
fn wanted(sizes: &[usize; CELLS], ranks: &[usize]) -> Vec<Wanted> {
    let mut ranks = ranks.iter().copied().peekable();
    let mut before = 0;
    let mut wanted = Vec::new();
    for (cell, size) in sizes.iter().copied().enumerate() {
        let mut holds = false;
        while ranks.next_if(|rank| *rank < before + size).is_some() {
            holds = true;
        }
        if holds {
            wanted.push(Wanted { cell, before, size });
        }
        before += size;
    }
    wanted
}

/// Where the next value of a cell goes; for cells that are not wanted always to the same place.
#[derive(Clone, Copy)]
struct Next {
    place: usize,
    step: usize,
}

/// The values of wanted cells, one cell after the other.
fn gathered(values: &[f64], cells: &[u16], wanted: &[Wanted]) -> Vec<f64> {
    let total: usize = wanted.iter().map(|cell| cell.size).sum();
    let mut next = vec![Next { place: total, step: 0 }; CELLS];
    let mut place = 0;
    for Wanted { cell, size, .. } in wanted {
        next[*cell] = Next { place, step: 1 };
        place += size;
    }
    let mut gathered = vec![0.0; total + 1];
    for (value, cell) in values.iter().zip(cells) {
        // Written whether wanted or not, so that no branch depends on the cell.
        let next = &mut next[usize::from(*cell) % CELLS];
        gathered[next.place] = *value;
        next.place += next.step;
    }
    gathered
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the documentation says, by sorting.
    fn by_sorting(values: &[f64], most: usize) -> QuantileBins {
        let sorted = sorted(values.to_vec());
        let middle = sorted.get(values.len() / 2).copied().unwrap_or(0.0);
        let mut distinct = sorted.clone();
        distinct.dedup();
        if distinct.len() <= most {
            return QuantileBins { edges: distinct, exact: true, middle };
        }
        let mut edges: Vec<f64> = (1..=most).map(|bin| sorted[(sorted.len() * bin).div_ceil(most) - 1]).collect();
        edges.dedup();
        QuantileBins { edges, exact: false, middle }
    }

    /// Values of many shapes: even, skewed, heaped on one value, few, and in order.
    fn shaped(shape: usize, row: u64) -> f64 {
        let even = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) as f64 / u64::MAX as f64;
        match shape {
            0 => even - 0.5,
            1 => 1.0 / (even + 1e-9),
            2 if even < 0.6 => -0.0,
            2 => even * 1e-12,
            3 => (even * 300.0).floor() - 150.0,
            4 => row as f64,
            _ => 1e9 + even,
        }
    }

    #[test]
    fn the_edges_are_those_of_all_values_sorted() {
        for shape in 0..6 {
            for rows in [0, 1, 300, 40_000, FEW as u64 + 7, 150_000] {
                let values: Vec<f64> = (0..rows).map(|row| shaped(shape, row)).collect();
                for most in [1, 2, 255, 600] {
                    let (bins, expected) = (QuantileBins::of(&values, most), by_sorting(&values, most));
                    assert_eq!(bins, expected, "shape {shape}, {rows} rows, {most} bins");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_order_of_values_changes_no_edge(rows in 1_u64..100_000, shape in 0_usize..6, shift in 0_u64..100_000) {
            let values: Vec<f64> = (0..rows).map(|row| shaped(shape, row)).collect();
            let turned: Vec<f64> = (0..rows).map(|row| values[((row + shift) % rows) as usize]).collect();
            prop_assert_eq!(QuantileBins::of(&turned, 255), QuantileBins::of(&values, 255));
        }
    }

    #[test]
    fn a_value_lies_in_the_first_bin_whose_edge_is_not_below_it() {
        for edges in [vec![0.0, 1.5, 3.0], (0..1_000).map(f64::from).collect()] {
            let values = [-1.0, -0.0, 0.5, 1.5, 2.0, 3.0, f64::INFINITY];
            let expected: Vec<usize> = values.iter().map(|value| edges.partition_point(|edge| edge < value)).collect();
            assert_eq!(QuantileBins::encode(&edges, &values, |bin| bin), expected);
        }
    }
}
