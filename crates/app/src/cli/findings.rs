//! Findings as people read them: what blocks first.

use shipway_core::finding::{Finding, Severity};

use super::terminal::{Hue, Paint};

/// All findings, grouped by severity.
pub fn lines(paint: Paint, findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    for severity in [Severity::Critical, Severity::Warning, Severity::Info] {
        let found = findings.iter().filter(|finding| finding.severity == severity);
        lines.extend(found.flat_map(|finding| one(paint, finding)));
    }
    lines
}

/// How many of each severity, in words.
pub fn summary(findings: &[Finding]) -> String {
    let named = [(Severity::Critical, "critical"), (Severity::Warning, "warning"), (Severity::Info, "info")];
    let counted = named.map(|(severity, name)| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        (count > 0).then(|| format!("{count} {name}"))
    });
    let counted: Vec<_> = counted.into_iter().flatten().collect();
    if counted.is_empty() { "nothing was found".to_owned() } else { counted.join(", ") }
}

fn one(paint: Paint, finding: &Finding) -> Vec<String> {
    let (hue, name) = match finding.severity {
        Severity::Critical => (Hue::Bad, "critical"),
        Severity::Warning => (Hue::Warn, "warning"),
        Severity::Info => (Hue::Busy, "info"),
    };
    let mut lines = vec![format!("{} {}", paint.put(hue, format!("{name}:")), finding.message)];
    let place = place(finding);
    if !place.is_empty() {
        lines.push(format!("  {}", paint.put(Hue::Faint, place)));
    }
    let details = finding.details.iter().flat_map(|details| details.lines());
    lines.extend(details.map(|line| format!("  {line}")));
    lines.extend(finding.recommendation.iter().map(|words| format!("  {} {words}", paint.put(Hue::Busy, "→"))));
    lines
}

fn place(finding: &Finding) -> String {
    let file = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => Some(format!("{file}:{line}")),
        (Some(file), None) => Some(file.clone()),
        (None, _) => None,
    };
    let field = finding.field.clone().filter(|field| !field.is_empty());
    [file, field].into_iter().flatten().collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use shipway_core::finding::Category;

    use super::*;

    #[test]
    fn what_blocks_comes_first_with_its_place_and_what_to_do() {
        let info = Finding::info("v", Category::Software, "fine");
        let critical = Finding::critical("v", Category::Configuration, "unknown key `helth`")
            .field("services.web.helth")
            .file_line("shipway.toml", 7)
            .recommendation("did you mean `health`?");
        let lines = lines(Paint { on: false }, &[info.clone(), critical.clone()]);
        let wanted = [
            "critical: unknown key `helth`",
            "  shipway.toml:7  services.web.helth",
            "  → did you mean `health`?",
            "info: fine",
        ];
        assert_eq!(lines, wanted);
        assert_eq!(summary(&[info, critical]), "1 critical, 1 info");
    }
}
