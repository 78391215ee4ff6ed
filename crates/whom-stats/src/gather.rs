//! Rows that lie anywhere, copied side by side.

/// Copies rows of `width` elements, in their order; `to` has room for exactly these.
///
/// A row is too short to be worth a call of the library. So each is copied in one piece of a length that is known when
/// compiled; what follows the row is overwritten by the next ones.
pub(crate) fn gather<T: Copy>(from: &[T], width: usize, rows: &[u32], to: &mut [T]) {
    match width {
        0 => {}
        1..=2 => gather_wide::<T, 2>(from, width, rows, to),
        3..=4 => gather_wide::<T, 4>(from, width, rows, to),
        5..=8 => gather_wide::<T, 8>(from, width, rows, to),
        9..=16 => gather_wide::<T, 16>(from, width, rows, to),
        17..=32 => gather_wide::<T, 32>(from, width, rows, to),
        33..=64 => gather_wide::<T, 64>(from, width, rows, to),
        _ => to.chunks_exact_mut(width).zip(rows).for_each(|(to, row)| to.copy_from_slice(row_of(from, width, *row))),
    }
}

fn gather_wide<T: Copy, const PIECE: usize>(from: &[T], width: usize, rows: &[u32], to: &mut [T]) {
    for (place, row) in rows.iter().enumerate() {
        let piece = from[*row as usize * width..].first_chunk::<PIECE>();
        match (to[place * width..].first_chunk_mut::<PIECE>(), piece) {
            (Some(to), Some(from)) => *to = *from,
            _ => to[place * width..][..width].copy_from_slice(row_of(from, width, *row)),
        }
    }
}

fn row_of<T>(from: &[T], width: usize, row: u32) -> &[T] {
    &from[row as usize * width..][..width]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_width_come_in_the_order_asked_for() {
        let rows = [3, 0, 0, 6, 2, 5];
        for width in 0..80 {
            let from: Vec<u16> = (0..7 * width as u16).collect();
            let expected: Vec<u16> = rows.iter().flat_map(|row| row_of(&from, width, *row)).copied().collect();
            let mut to = vec![0; rows.len() * width];
            gather(&from, width, &rows, &mut to);
            assert_eq!(to, expected, "{width}");
        }
    }
}
