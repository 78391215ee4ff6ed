//! Rows that lie anywhere, copied side by side.

use std::ops::Range;

/// Copies some of the `stride` elements of each row, in the order of the rows; `to` has room for exactly these.
///
/// A row is too short to be worth a call of the library. So each is copied in one piece of a length that is known when
/// compiled; what follows the row is overwritten by the next ones.
pub(crate) fn gather<T: Copy>(from: &[T], stride: usize, wanted: Range<usize>, rows: &[u32], to: &mut [T]) {
    let width = wanted.len();
    let places = rows.iter().map(|row| *row as usize * stride + wanted.start);
    match width {
        0 => {}
        1..=2 => gather_wide::<T, 2>(from, width, places, to),
        3..=4 => gather_wide::<T, 4>(from, width, places, to),
        5..=8 => gather_wide::<T, 8>(from, width, places, to),
        9..=16 => gather_wide::<T, 16>(from, width, places, to),
        17..=32 => gather_wide::<T, 32>(from, width, places, to),
        33..=64 => gather_wide::<T, 64>(from, width, places, to),
        _ => to.chunks_exact_mut(width).zip(places).for_each(|(to, place)| to.copy_from_slice(&from[place..][..width])),
    }
}

fn gather_wide<T: Copy, const PIECE: usize>(
    from: &[T],
    width: usize,
    places: impl Iterator<Item = usize>,
    to: &mut [T],
) {
    for (row, place) in places.enumerate() {
        let piece = from[place..].first_chunk::<PIECE>();
        match (to[row * width..].first_chunk_mut::<PIECE>(), piece) {
            (Some(to), Some(from)) => *to = *from,
            _ => to[row * width..][..width].copy_from_slice(&from[place..][..width]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_width_come_in_the_order_asked_for() {
        let rows = [3, 0, 0, 6, 2, 5];
        for width in 0..80 {
            let from: Vec<u16> = (0..7 * width as u16).collect();
            for wanted in [0..width, width / 3..width / 2] {
                let of_row = |row: &u32| from[*row as usize * width..][wanted.clone()].to_vec();
                let expected: Vec<u16> = rows.iter().flat_map(of_row).collect();
                let mut to = vec![0; rows.len() * wanted.len()];
                gather(&from, width, wanted, &rows, &mut to);
                assert_eq!(to, expected, "{width}");
            }
        }
    }
}
