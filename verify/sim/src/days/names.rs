//! Words that are counted, switched on and pinned by their names.

/// An enum whose cases have names.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($case:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $text] $case,)*
        }

        impl $name {
            /// Each of them.
            pub const ALL: &'static [Self] = &[$(Self::$case,)*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$case => $text,)*
                }
            }
        }
    };
}

pub(super) use named;
