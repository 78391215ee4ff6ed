//! Eigenvalues and eigenvectors of a symmetric matrix, and functions of it.

use super::symmetric::Symmetric;

/// Sweeps after which Jacobi's rotations stop; they converge quadratically and need about eight.
const MAX_SWEEPS: usize = 60;

/// A symmetric matrix as sum of `values[k]` times v v', v the k-th of `vectors`: orthonormal, in no particular order.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigen {
    /// The eigenvalues.
    pub values: Vec<f64>,
    /// The eigenvectors.
    pub vectors: Vec<Vec<f64>>,
}

impl Eigen {
    /// By Jacobi's cyclic rotations (Golub and Van Loan, Matrix Computations, section 8.5): addition, multiplication,
    /// division and roots in a fixed order, so the same bits everywhere.
    pub fn new(matrix: &Symmetric) -> Self {
        let size = matrix.size();
        let mut rest = matrix.clone();
        let negligible = f64::EPSILON / 16.0 * matrix.sum_of_squares().sqrt();
        let mut vectors: Vec<Vec<f64>> =
            (0..size).map(|row| (0..size).map(|column| f64::from(u8::from(row == column))).collect()).collect();
        for _ in 0..MAX_SWEEPS {
            let mut rotated = false;
            for second in 1..size {
                for first in 0..second {
                    if rest.get(first, second).abs() > negligible {
                        rotate(&mut rest, &mut vectors, first, second);
                        rotated = true;
                    }
                }
            }
            if !rotated {
                break;
            }
        }
        Self { values: (0..size).map(|place| rest.get(place, place)).collect(), vectors }
    }

    /// The matrix with the same eigenvectors and the function's values as eigenvalues.
    pub fn map(&self, function: impl Fn(f64) -> f64) -> Symmetric {
        let size = self.values.len();
        let mut mapped = Symmetric::from_lower(size, |_, _| 0.0);
        self.values.iter().zip(&self.vectors).for_each(|(value, vector)| mapped.add_square(function(*value), vector));
        mapped
    }
}

/// Makes one entry, which is not zero, zero.
fn rotate(matrix: &mut Symmetric, vectors: &mut [Vec<f64>], first: usize, second: usize) {
    let entry = matrix.get(first, second);
    let (low, high) = (matrix.get(first, first), matrix.get(second, second));
    let slope = (high - low) / (2.0 * entry);
    let tangent = slope.signum() / (slope.abs() + (1.0 + slope * slope).sqrt());
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    let sine = tangent * cosine;
    for place in (0..matrix.size()).filter(|place| *place != first && *place != second) {
        let (left, right) = (matrix.get(place, first), matrix.get(place, second));
        matrix.set(place, first, cosine * left - sine * right);
        matrix.set(place, second, sine * left + cosine * right);
    }
    matrix.set(first, first, low - tangent * entry);
    matrix.set(second, second, high + tangent * entry);
    matrix.set(first, second, 0.0);
    let (before, after) = vectors.split_at_mut(second);
    for (left, right) in before[first].iter_mut().zip(&mut after[0]) {
        (*left, *right) = (cosine * *left - sine * *right, sine * *left + cosine * *right);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::linear::symmetric::dot;

    proptest! {
        #[test]
        fn eigenvectors_are_orthonormal_and_make_the_matrix(size in 1..8_usize, entries in prop::collection::vec(-1.0..1.0_f64, 36)) {
            let mut entries = entries.into_iter();
            let matrix = Symmetric::from_lower(size, |_, _| entries.next().unwrap());
            let eigen = Eigen::new(&matrix);
            let again = eigen.map(|value| value);
            for row in 0..size {
                for column in 0..size {
                    let expected = if row == column { 1.0 } else { 0.0 };
                    prop_assert!((dot(&eigen.vectors[row], &eigen.vectors[column]) - expected).abs() < 1e-13);
                    prop_assert!((again.get(row, column) - matrix.get(row, column)).abs() < 1e-13);
                }
            }
        }

        #[test]
        fn an_inverse_root_twice_is_the_inverse(vectors in prop::collection::vec(prop::array::uniform3(-1.0..1.0_f64), 2)) {
            let mut matrix = Symmetric::identity(3);
            for vector in &vectors { matrix.add_square(1.0, vector); }
            let root = Eigen::new(&matrix).map(|value| 1.0 / value.sqrt());
            let vector = [1.0, -2.0, 3.0];
            let back = root.product(&root.product(&matrix.product(&vector)));
            prop_assert!(vector.iter().zip(&back).all(|(left, right)| (left - right).abs() < 1e-13), "{:?}", back);
        }
    }

    #[test]
    fn a_diagonal_matrix_is_its_own_decomposition() {
        let eigen = Eigen::new(&Symmetric::from_lower(2, |row, column| if row == column { row as f64 } else { 0.0 }));
        assert_eq!(eigen, Eigen { values: vec![0.0, 1.0], vectors: vec![vec![1.0, 0.0], vec![0.0, 1.0]] });
    }
}
