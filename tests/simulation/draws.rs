//! Random numbers that are the same on every machine: hashes of what they are for and of their place.

use std::f64::consts::TAU;

use whom_stats::Identity;

/// A stream of random numbers for one experiment.
pub(super) struct Draws {
    identity: Identity,
    next: u64,
}

impl Draws {
    pub(super) fn new(experiment: &str) -> Self {
        Self { identity: Identity::new(experiment, "simulation"), next: 0 }
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.next += 1;
        self.identity.hash(0, self.next)
    }

    /// A whole number from 0 up to, but not including, `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }

    /// A fair arm: 0 or 1.
    pub(super) fn arm(&mut self) -> u8 {
        self.below(2) as u8
    }

    /// Between 0 and 1, both excluded.
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        (-2.0 * libm::log(self.uniform())).sqrt() * libm::cos(TAU * self.uniform())
    }
}

#[test]
fn normal_draws_are_normal() {
    let mut draws = Draws::new("normal");
    let drawn: Vec<f64> = (0..100_000).map(|_| draws.normal()).collect();
    let share = |is_in: fn(f64) -> bool| drawn.iter().filter(|value| is_in(**value)).count();
    // 4 standard errors of a share around 50,000; 2,500; 15.9 and 0.3 % of 100,000.
    for (found, expected) in [
        (share(|value| value > 0.0), 50_000),
        (share(|value| value > 1.0), 15_866),
        (share(|value| value < -1.959_964), 2_500),
        (share(|value| value.abs() > 3.0), 270),
    ] {
        let error = 4.0 * f64::from(expected).sqrt();
        assert!((found as f64 - f64::from(expected)).abs() < error, "{found} where {expected} are expected");
    }
}
