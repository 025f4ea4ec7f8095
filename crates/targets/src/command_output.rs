//! From a command's pipe to lines of bounded length, as fast as somebody reads them. Not here: the command.

use std::{collections::VecDeque, time::Duration};

use shipway_core::ports::{COMMAND_LINE_BYTES_MAX, CommandEvent, Fault};
use tokio::{io::AsyncReadExt, net::unix::pipe, sync::mpsc, time::timeout};

/// How much output is taken at once, in bytes.
const READ_BYTES: usize = 16 * 1024;
/// How long the pipe of an ended command may stay silent before it is given up, in milliseconds.
const SILENCE_MS_MAX: u64 = 2000;

/// Where the events of a command go.
pub(crate) type Sender = mpsc::Sender<Result<CommandEvent, Fault>>;

/// What came of taking a piece of output.
#[derive(PartialEq, Eq)]
pub(crate) enum Passed {
    Some,
    End,
}

/// From the pipe to whoever reads the lines.
pub(crate) struct Pump {
    output: pipe::Receiver,
    line: LineCutter,
    sender: Sender,
}

impl Pump {
    /// From this pipe to this channel.
    pub(crate) fn new(output: pipe::Receiver, sender: Sender) -> Self {
        Self { output, line: LineCutter::default(), sender }
    }

    /// Passes the next piece of output on. Being dropped in between loses no more than that piece.
    pub(crate) async fn pass(&mut self) -> Passed {
        // Lines that were cut off by a lost race are passed on first.
        if !self.send_lines().await {
            return Passed::End;
        }
        let mut buffer = [0; READ_BYTES];
        match self.output.read(&mut buffer).await {
            Ok(0) | Err(_) => Passed::End,
            Ok(count) => {
                self.line.add(&buffer[..count]);
                if self.send_lines().await { Passed::Some } else { Passed::End }
            }
        }
    }

    async fn send_lines(&mut self) -> bool {
        while !self.line.done.is_empty() {
            // Room first, so that a line that can't be sent yet stays where it is.
            let Ok(place) = self.sender.reserve().await else {
                return false;
            };
            if let Some(line) = self.line.done.pop_front() {
                place.send(Ok(CommandEvent::Line(line)));
            }
        }
        true
    }

    /// Passes on what is left once all writers are gone.
    pub(crate) async fn finish(mut self) {
        let silence = Duration::from_millis(SILENCE_MS_MAX);
        loop {
            // Only the pipe may not be silent for long; whoever reads the lines may take its time.
            if !self.send_lines().await {
                return;
            }
            let mut buffer = [0; READ_BYTES];
            match timeout(silence, self.output.read(&mut buffer)).await {
                Ok(Ok(count)) if count > 0 => self.line.add(&buffer[..count]),
                _ => break,
            }
        }
        self.line.end();
        self.send_lines().await;
    }
}

/// Cuts output into lines of bounded length.
#[derive(Default)]
struct LineCutter {
    begun: Vec<u8>,
    done: VecDeque<String>,
}

impl LineCutter {
    fn add(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            self.extend(text);
            if ends {
                self.finish_line();
            }
        }
    }

    /// Progress bars write over their line with `\r`: only what is seen at its end counts.
    fn extend(&mut self, text: &[u8]) {
        let mut pieces = text.split(|byte| *byte == b'\r');
        self.append(pieces.next().unwrap_or_default());
        for piece in pieces {
            // One `\r` at the end of a line says nothing; more text after it replaces the line.
            self.append(b"\r");
            self.append(piece);
        }
    }

    fn append(&mut self, piece: &[u8]) {
        if self.begun.last() == Some(&b'\r') && !piece.is_empty() && piece != b"\r" {
            self.begun.clear();
        }
        let room = COMMAND_LINE_BYTES_MAX.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn finish_line(&mut self) {
        while self.begun.last() == Some(&b'\r') {
            self.begun.pop();
        }
        self.done.push_back(String::from_utf8_lossy(&self.begun).into_owned());
        self.begun.clear();
    }

    fn end(&mut self) {
        if !self.begun.is_empty() {
            self.finish_line();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        let mut cutter = LineCutter::default();
        pieces.iter().for_each(|piece| cutter.add(piece));
        cutter.end();
        cutter.done.into()
    }

    #[test]
    fn lines_are_what_a_person_sees_in_the_end() {
        assert_eq!(cut(&[b"one\ntw", b"o\r\nthree"]), ["one", "two", "three"]);
        assert_eq!(cut(&[b"10%\r20%", b"\r", b"100%\ndone\n"]), ["100%", "done"]);
        assert_eq!(cut(&[b"a\r", b"\r\n\n"]), ["a", ""]);
        assert_eq!(cut(&[b"\xff\n"]), ["\u{fffd}"]);
    }

    #[test]
    fn long_lines_are_cut() {
        let long = vec![b'x'; COMMAND_LINE_BYTES_MAX * 3];
        let lines = cut(&[&long, b"\nnext\n"]);
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [COMMAND_LINE_BYTES_MAX, 4]);
    }
}
