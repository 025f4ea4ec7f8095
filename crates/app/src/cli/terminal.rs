//! The only room that writes to standard output and standard error. A reader that has gone away (a closed pipe) ends
//! the writing quietly, and never a deployment.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Set when nobody reads standard output any more.
static GONE: AtomicBool = AtomicBool::new(false);

/// Where a verb says things.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Whether only JSON is wanted.
    pub json: bool,
    /// Whether a person looks at standard output.
    pub interactive: bool,
    /// How to paint on standard output.
    pub paint: Paint,
}

impl Terminal {
    /// The process's own terminal.
    pub fn new(json: bool) -> Self {
        let interactive = io::stdout().is_terminal();
        let paint = Paint { on: interactive && colours_wanted() };
        Self { json, interactive, paint }
    }

    /// One that paints nothing.
    pub fn plain() -> Self {
        Self { json: false, interactive: false, paint: Paint { on: false } }
    }

    /// Whether standard error takes colours.
    pub fn errors_have_colours() -> bool {
        io::stderr().is_terminal() && colours_wanted()
    }

    /// A line for people on standard output; nothing when only JSON is wanted.
    pub fn say(&self, line: impl Display) {
        if !self.json {
            write(&format!("{line}\n"));
        }
    }

    /// A value on standard output, over many lines for one document.
    pub fn json(&self, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| unwritable(&error));
        write(&format!("{text}\n"));
    }

    /// What a verb has found out: the value when JSON is wanted, else these lines for people.
    pub fn show(&self, value: &impl Serialize, lines: impl FnOnce(Paint) -> Vec<String>) {
        if self.json {
            return self.json(value);
        }
        for line in lines(self.paint) {
            self.say(line);
        }
    }

    /// A value on one line of standard output, for streams of them.
    pub fn json_line(&self, value: &impl Serialize) {
        let text = serde_json::to_string(value).unwrap_or_else(|error| unwritable(&error));
        write(&format!("{text}\n"));
    }

    /// Bytes as they are on standard output.
    pub fn raw(&self, bytes: &[u8]) {
        swallow(io::stdout().lock().write_all(bytes));
    }

    /// A line on standard error.
    pub fn note(&self, line: impl Display) {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Asks a person. No when there is none.
    pub fn agrees(&self, question: &str) -> bool {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return false;
        }
        let _ = write!(io::stderr().lock(), "{question} [y/N] ");
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer).is_ok();
        read && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Whether there is a person to ask.
    pub fn can_ask() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether the reader of standard output has gone.
    pub fn is_gone() -> bool {
        GONE.load(Ordering::Relaxed)
    }
}

fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn unwritable(error: &serde_json::Error) -> String {
    format!("{{\"error\":\"{}\"}}", error.to_string().replace('"', "'"))
}

fn write(text: &str) {
    swallow(io::stdout().lock().write_all(text.as_bytes()));
}

fn swallow(written: io::Result<()>) {
    if written.and_then(|()| io::stdout().flush()).is_err() {
        GONE.store(true, Ordering::Relaxed);
    }
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether there are colours.
    pub on: bool,
}

/// What a text is to look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hue {
    /// As it is.
    #[default]
    Plain,
    /// What went well.
    Good,
    /// What needs eyes.
    Warn,
    /// What failed.
    Bad,
    /// What goes on.
    Busy,
    /// What matters less.
    Faint,
    /// What matters more.
    Bold,
}

impl Paint {
    /// The text in that hue.
    pub fn put(self, hue: Hue, text: impl Display) -> String {
        let code = match hue {
            Hue::Good => "32",
            Hue::Warn => "33",
            Hue::Bad => "31",
            Hue::Busy => "36",
            Hue::Faint => "2",
            Hue::Bold => "1",
            Hue::Plain => return text.to_string(),
        };
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}

/// Lines at the bottom of a terminal that are drawn again and again.
pub struct Canvas {
    multi: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl Canvas {
    /// An empty one on standard output.
    pub fn new() -> Self {
        Self { multi: MultiProgress::with_draw_target(ProgressDrawTarget::stdout()), lines: Vec::new() }
    }

    /// Draws the lines in place of those before. Longer ones are cut at the terminal's width.
    pub fn draw(&mut self, lines: &[String]) {
        while self.lines.len() > lines.len() {
            if let Some(line) = self.lines.pop() {
                line.finish_and_clear();
                self.multi.remove(&line);
            }
        }
        while self.lines.len() < lines.len() {
            let line = self.multi.add(ProgressBar::new(1));
            line.set_style(ProgressStyle::with_template("{wide_msg}").expect("the template is a constant and right"));
            self.lines.push(line);
        }
        for (line, text) in self.lines.iter().zip(lines) {
            line.set_message(text.clone());
        }
    }
}

impl Drop for Canvas {
    /// Takes the lines away, also when the view is cut off in the middle.
    fn drop(&mut self) {
        self.draw(&[]);
        // What can't be cleared is a terminal that is gone.
        let _ = self.multi.clear();
    }
}
