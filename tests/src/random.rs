//! Random numbers that can be had again: everything follows from the seed.

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Numbers that follow from `FLOE_SEED`, or from the time. The seed is printed.
    pub fn from_env() -> Self {
        let given = std::env::var("FLOE_SEED").ok().and_then(|text| text.parse().ok());
        let time = || std::time::UNIX_EPOCH.elapsed().map_or(0, |t| t.as_micros() as u64);
        let seed = given.unwrap_or_else(time);
        println!("FLOE_SEED={seed}");
        Self(seed)
    }

    /// Others, which follow from these.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1, which is not included.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }
}
