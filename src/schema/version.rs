//! The Kubernetes versions whose data is shipped.

use std::fmt;

/// A minor version of Kubernetes that rollcast knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.34
    V1_34,
    /// 1.35
    V1_35,
    /// 1.36
    #[default]
    V1_36,
    /// 1.37
    V1_37,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::V1_34, Self::V1_35, Self::V1_36, Self::V1_37];

    /// The minor number: 36.
    pub fn minor(self) -> u32 {
        34 + self as u32
    }

    /// The version that is closest to what a server or a fleet file says (`v1.36.2`, `1.36`, `1.36+`), and whether it is that
    /// very one. None if the text is no version.
    pub fn nearest(text: &str) -> Option<(Self, bool)> {
        let mut numbers = text.trim_start_matches('v').split(['.', '+', '-']);
        let major: u32 = numbers.next()?.parse().ok()?;
        let minor: u32 = numbers.next()?.parse().ok()?;
        let nearest = match (major, minor) {
            (0, _) | (1, ..=34) => Self::V1_34,
            (1, 35) => Self::V1_35,
            (1, 36) => Self::V1_36,
            _ => Self::V1_37,
        };
        Some((nearest, major == 1 && nearest.minor() == minor))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor())
    }
}
