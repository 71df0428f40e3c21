//! Worker `rolecall-console`: the operators' console.
