//! Writes the generated part of `verify/fuzz/corpus/`: `cargo xtask sim fuzz --seed-corpus`.

use std::io;

fn main() -> io::Result<()> {
    fuzz::seeds::write()
}
