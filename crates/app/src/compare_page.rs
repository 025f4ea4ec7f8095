//! A comparison as a page of HTML: everything in one file, no scripts. Whatever a value holds, it stays text.
//!
//! Not here: what differs (`core::compare`), the table of a terminal (`cli::env_compare`).

use shipway_core::compare::{Comparison, Key, KeyState, Pair, ServiceComparison};

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;color:#222}\
table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{text-align:left;padding:.2rem .8rem;\
border-bottom:1px solid #ddd;vertical-align:top}th{font-weight:600;color:#666}\
.d{background:#fff4d6}.o{background:#ffe3e0}.s{color:#888}code{white-space:pre-wrap;word-break:break-all}";

/// The page.
pub fn page(comparison: &Comparison) -> String {
    let (from, to) = (text(comparison.from.as_str()), text(comparison.to.as_str()));
    let verdict = if comparison.differs { "they differ" } else { "they are the same" };
    let head = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{from} and {to}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{from} and {to}: {verdict}</h1>\n\
         <p class=\"s\">read at commit {}</p>\n",
        comparison.commit
    );
    let services = comparison.services.iter().map(|(name, one)| section(name.as_str(), one, &from, &to));
    let policies = match comparison.policies.is_empty() {
        true => String::new(),
        false => format!("<h2>policies</h2>\n{}", table(&from, &to, &rows("", &comparison.policies))),
    };
    format!("{head}{}{policies}</body></html>\n", services.collect::<String>())
}

fn section(name: &str, one: &ServiceComparison, from: &str, to: &str) -> String {
    let count = |count: &u32| count.to_string();
    let pairs = [
        pair("version", &one.version, String::clone),
        pair("artifact", &one.artifact, |digest| digest.short().to_owned()),
        pair("instances", &one.instances, count),
        pair("health", &one.health, |health| health.name().to_owned()),
    ];
    let rows = format!("{}{}{}", pairs.concat(), rows("", &one.configuration), rows("secret ", &one.secrets));
    format!("<h2>{}</h2>\n{}", text(name), table(from, to, &rows))
}

fn table(from: &str, to: &str, rows: &str) -> String {
    format!("<table><tr><th></th><th>{from}</th><th>{to}</th></tr>\n{rows}</table>\n")
}

fn pair<T>(name: &str, pair: &Pair<T>, words: impl Fn(&T) -> String) -> String {
    let cell = |one: &Option<T>| one.as_ref().map_or_else(|| "–".into(), |one| text(&words(one)));
    row(if pair.same { "s" } else { "d" }, name, &cell(&pair.from), &cell(&pair.to))
}

fn rows(before: &str, keys: &[Key]) -> String {
    let value = |value: &serde_json::Value| if value.is_null() { "–".into() } else { text(&value.to_string()) };
    let one = |key: &Key| {
        let name = format!("{before}{}", key.key);
        match key.state {
            KeyState::Same => row("s", &name, "same", "same"),
            KeyState::Different => row("d", &name, &value(&key.from), &value(&key.to)),
            KeyState::OnlyFrom | KeyState::OnlyTo => row("o", &name, &value(&key.from), &value(&key.to)),
        }
    };
    keys.iter().map(one).collect()
}

/// A row; the cells are HTML already, the name is text.
fn row(class: &str, name: &str, from: &str, to: &str) -> String {
    let name = text(name);
    format!("<tr class=\"{class}\"><th>{name}</th><td><code>{from}</code></td><td><code>{to}</code></td></tr>\n")
}

/// A text that a browser shows as it is.
fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for one in raw.chars() {
        match one {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn what_a_value_holds_stays_text() {
        assert_eq!(text("<script>'a'&\"b\"</script>"), "&lt;script&gt;&#39;a&#39;&amp;&quot;b&quot;&lt;/script&gt;");
    }
}
