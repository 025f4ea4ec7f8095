//! What a schema says of arrays.
//!
//! Not here: `unevaluatedItems`.

use super::read::{Schema, elements};
use super::text::Text;
use super::{Draft, Writer, truth, unsupported};
use crate::error::Error;
use crate::syntax::ast::Expr;

/// How many elements may have schemas of their own: each shorter array is an alternative of its own.
const MAX_FIRST_ITEMS: usize = 16;

impl Writer<'_> {
    /// The constraints on arrays, if there are any.
    pub(super) fn arrays(&mut self, schema: &Schema<'_>) -> Result<Option<Text>, Error> {
        let shape = self.shape(schema)?;
        let mut parts: Vec<Text> = shape.into_iter().collect();
        for (keyword, function) in [("minItems", "MinItems"), ("maxItems", "MaxItems")] {
            if let Some(count) = schema.count(keyword)? {
                self.imports.insert("list");
                parts.push(Text::whole(format!("list.{function}({count})")));
            }
        }
        if schema.flag("uniqueItems")? {
            self.imports.insert("list");
            parts.push(Text::whole("list.UniqueItems()"));
        }
        parts.extend(self.contains(schema)?);
        if parts.is_empty() {
            return Ok(None);
        }
        if !parts.iter().any(|part| part.text.starts_with('[')) {
            parts.insert(0, Text::whole("[...]"));
        }
        Ok(Some(Text::and(parts)))
    }

    fn contains(&mut self, schema: &Schema<'_>) -> Result<Option<Text>, Error> {
        let Some(contained) = schema.get("contains") else { return Ok(None) };
        let (least, most) = match self.draft {
            Draft::Y2019 | Draft::Y2020 => (schema.count("minContains")?, schema.count("maxContains")?),
            _ => (None, None),
        };
        let contained = self.schema(contained)?.text;
        self.imports.insert("list");
        let most = most.map(|most| format!(" & <={most}")).unwrap_or_default();
        let least = least.unwrap_or_else(|| "1".to_owned());
        Ok(Some(Text::whole(format!("list.MatchN(>={least}{most}, {contained})"))))
    }

    /// The list that says what stands where.
    fn shape(&mut self, schema: &Schema<'_>) -> Result<Option<Text>, Error> {
        let items = schema.get("items");
        let listed = items.and_then(elements).filter(|_| self.draft < Draft::Y2020);
        let (first, rest) = match listed {
            Some(first) => (first, schema.get("additionalItems")),
            None => (schema.list("prefixItems")?.filter(|_| self.draft == Draft::Y2020).unwrap_or_default(), items),
        };
        if first.len() > MAX_FIRST_ITEMS {
            return Err(unsupported(format_args!("an array of more than {MAX_FIRST_ITEMS} schemas"), schema.span));
        }
        let rest = rest.map(|rest| self.rest(rest)).transpose()?;
        if first.is_empty() {
            return Ok(rest.map(|rest| Text::whole(format!("[{rest}]"))));
        }
        let first = first.into_iter().map(|schema| self.schema(schema)).collect::<Result<Vec<_>, _>>()?;
        let rest = rest.unwrap_or_else(|| "...".to_owned());
        // An array may end early: the schemas speak of the elements that are there.
        let mut alternatives: Vec<Text> =
            (0..first.len()).map(|count| Text::whole(list(&first[..count], ""))).collect();
        alternatives.push(Text::whole(list(&first, &rest)));
        Ok(Some(Text::whole(format!("matchN(>=1, [{}])", texts(&alternatives)))))
    }

    /// What stands behind the first elements: nothing for `false`.
    fn rest(&mut self, rest: &Expr) -> Result<String, Error> {
        if truth(rest) == Some(false) {
            return Ok(String::new());
        }
        let rest = self.schema(rest)?;
        Ok(if rest.is_top() { "...".to_owned() } else { format!("...{}", parenthesised(&rest)) })
    }
}

fn parenthesised(text: &Text) -> String {
    Text::and(vec![text.clone(), Text::whole("0")]).text.trim_end_matches(" & 0").to_owned()
}

fn texts(texts: &[Text]) -> String {
    texts.iter().map(|text| text.text.as_str()).collect::<Vec<_>>().join(", ")
}

fn list(first: &[Text], rest: &str) -> String {
    let comma = if first.is_empty() || rest.is_empty() { "" } else { ", " };
    format!("[{}{comma}{rest}]", texts(first))
}
