//! Where the value of a secret is read from: a file, the standard input, or chance. Never the command line, which
//! every process of the machine may read, and every shell remembers.

use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
};

use shipway_core::{
    ports::Fault,
    secret::{SECRET_BYTES_MAX, SecretText},
};

use super::{errors::CliError, terminal::Terminal};

const GENERATED_BYTES: usize = 32;

/// Where the value comes from; the standard input when nothing is said.
#[derive(clap::Args)]
pub struct ValueArgs {
    /// Read the value from this file instead of the standard input
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    file: Option<PathBuf>,
    /// Make a value: 32 random bytes in hex, which nobody sees
    #[arg(long)]
    generate: bool,
}

impl ValueArgs {
    /// Reads it. The line break at the end of a value of one line is left out.
    ///
    /// # Errors
    /// It can't be read, is no text, or is too long.
    pub fn read(&self, terminal: &Terminal) -> Result<SecretText, CliError> {
        if self.generate {
            return generated();
        }
        let text = match &self.file {
            Some(file) => {
                let opened = std::fs::File::open(file);
                let opened = opened.map_err(|error| Fault::io(format!("reading {}", file.display()), &error))?;
                read(opened, &file.display().to_string())?
            }
            None => {
                let input = std::io::stdin();
                if input.is_terminal() {
                    terminal
                        .note("Type the value and end it with Ctrl-D on a line of its own. It is shown as you type.");
                }
                read(input.lock(), "the standard input")?
            }
        };
        Ok(one_line(text))
    }
}

fn generated() -> Result<SecretText, CliError> {
    let mut bytes = [0_u8; GENERATED_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| CliError::Failed(format!("the machine gives no random numbers: {error}")))?;
    Ok(SecretText::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

fn read(from: impl Read, name: &str) -> Result<SecretText, CliError> {
    let mut text = String::new();
    let read = from.take(SECRET_BYTES_MAX as u64 + 2).read_to_string(&mut text);
    let text = SecretText::new(text);
    read.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => {
            CliError::usage(format!("{name} is no text"), "encode it, for instance with `base64`")
        }
        _ => CliError::Fault(Fault::io(format!("reading {name}"), &error)),
    })?;
    if text.reveal().len() > SECRET_BYTES_MAX {
        let message = format!("{name} has more than {SECRET_BYTES_MAX} bytes, the most that a secret holds");
        return Err(CliError::usage(message, "a larger file belongs into a data folder"));
    }
    Ok(text)
}

fn one_line(text: SecretText) -> SecretText {
    let line = text.reveal().strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        Some(line) if !line.contains('\n') => SecretText::new(line),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_break_of_a_single_line_is_left_out() {
        let cases = [("a\n", "a"), ("a\r\n", "a"), ("a", "a"), ("a\nb\n", "a\nb\n"), ("a\n\n", "a\n\n")];
        for (given, kept) in cases {
            assert_eq!(one_line(SecretText::new(given)).reveal(), kept, "{given:?}");
        }
    }

    #[test]
    fn what_is_too_long_or_no_text_is_refused() {
        assert!(read(&[0xff, 0xfe][..], "it").is_err());
        assert!(read(&vec![b'a'; SECRET_BYTES_MAX + 1][..], "it").is_err());
        assert!(read(&vec![b'a'; SECRET_BYTES_MAX][..], "it").is_ok());
    }
}
