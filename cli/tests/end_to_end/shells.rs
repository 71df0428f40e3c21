//! Completions and help.

use std::process::Command;

use crate::program::Program;

#[test]
fn each_shell_gets_completions_that_name_the_commands() {
    let program = Program::bare();
    for shell in ["bash", "zsh", "fish"] {
        let ran = program.run_of_script(&["completions", shell]);
        for word in ["dead-letters", "export", "discard-unchanged"] {
            assert!(ran.contains(word), "{shell} has no {word}");
        }
        let file = program.home.path().join("script");
        std::fs::write(&file, &ran).unwrap();
        // A shell that this machine has must be able to read its own.
        if let Ok(checked) = Command::new(shell).arg("-n").arg(&file).output() {
            assert!(checked.status.success(), "{shell}: {checked:?}");
        }
    }
    program.run(&["completions", "cmd"]).code(2);
}

#[test]
fn help_and_version_are_no_failure() {
    let program = Program::bare();
    let ran = program.run(&["--help"]).code(0);
    assert!(ran.out.contains("Exit codes:\n  0  done"), "{}", ran.out);
    assert!(program.run(&["--version"]).code(0).out.starts_with("rolecall "));
}
