//! Documents in memory, by kind: found by key, listed in their order, all or those below a scope.
//!
//! Not here: who may write them (`memory`, `sql`).

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use shipway_core::{
    ports::Fault,
    store::{Body, Document, DocumentKind, Listing},
};

/// Documents of all kinds. Cheap to clone: they are shared.
#[derive(Clone, Default)]
pub(crate) struct Shelves(BTreeMap<DocumentKind, Shelf>);

impl Shelves {
    /// Puts a document where it belongs; one with the same key goes.
    pub(crate) fn put(&mut self, document: Document) {
        self.0.entry(document.kind).or_default().put(document);
    }

    /// Removes a document, if it is there.
    pub(crate) fn remove(&mut self, kind: DocumentKind, key: &str) {
        self.0.entry(kind).or_default().remove(key);
    }

    /// One document's body.
    pub(crate) fn get(&self, kind: DocumentKind, key: &str) -> Option<&Body> {
        self.0.get(&kind)?.get(key).map(|document| &document.body)
    }

    /// Bodies of a listing.
    pub(crate) fn list(&self, kind: DocumentKind, listing: &Listing) -> Vec<Body> {
        self.0.get(&kind).map(|shelf| shelf.list(listing)).unwrap_or_default()
    }

    /// Keeps of every document its text alone.
    pub(crate) fn reread(&mut self) {
        let written =
            self.0.values().flat_map(|shelf| shelf.order.values()).filter(|document| !document.body.is_text());
        let written: Vec<_> = written.map(|document| Document::clone(document)).collect();
        for document in written {
            let body = Body::text(document.body.to_text());
            self.put(Document { body, ..document });
        }
    }

    /// All documents of a kind, in their order.
    pub(crate) fn all(&self, kind: DocumentKind) -> impl Iterator<Item = &Document> {
        self.0.get(&kind).into_iter().flat_map(|shelf| shelf.order.values()).map(|document| &**document)
    }
}

/// What was can be listed; a snapshot is of what is.
pub(crate) fn refuse_past(kinds: &[DocumentKind]) -> Result<(), Fault> {
    match kinds.iter().find(|kind| kind.is_past()) {
        Some(kind) => Err(Fault::invalid(format!("a snapshot can't hold all of kind {}: list it", kind.name()))),
        None => Ok(()),
    }
}

type Place = (i64, Arc<str>);

/// Documents of one kind, in the order of listings, and where each key and each scope stands in it.
#[derive(Clone, Default)]
struct Shelf {
    order: BTreeMap<Place, Arc<Document>>,
    keys: BTreeMap<Arc<str>, i64>,
    scopes: BTreeMap<(Arc<str>, Place), Arc<Document>>,
}

impl Shelf {
    fn put(&mut self, mut document: Document) {
        if let Some(before) = self.get(&document.key).filter(|before| before.kind.is_past()) {
            // What was keeps its place, as in a database whose indexes are left alone.
            (document.scope, document.order) = (before.scope.clone(), before.order);
        }
        self.remove(&document.key);
        let (key, scope): (Arc<str>, Arc<str>) = (document.key.as_str().into(), document.scope.as_str().into());
        let (place, document) = ((document.order, key.clone()), Arc::new(document));
        self.keys.insert(key, place.0);
        self.scopes.insert((scope, place.clone()), document.clone());
        self.order.insert(place, document);
    }

    fn remove(&mut self, key: &str) {
        let Some((key, order)) = self.keys.remove_entry(key) else { return };
        let place = (order, key);
        if let Some(document) = self.order.remove(&place) {
            self.scopes.remove(&(document.scope.as_str().into(), place));
        }
    }

    fn get(&self, key: &str) -> Option<&Arc<Document>> {
        let (key, order) = self.keys.get_key_value(key)?;
        self.order.get(&(*order, key.clone()))
    }

    fn list(&self, listing: &Listing) -> Vec<Body> {
        let limit = listing.limit as usize;
        let body = |document: &Arc<Document>| document.body.clone();
        if !listing.scope.is_empty() {
            let mut found = self.below(&listing.scope);
            found.retain(|document| listing.before.is_none_or(|before| document.order < before));
            found.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
            return match listing.newest_first {
                true => found.into_iter().rev().take(limit).map(body).collect(),
                false => found.into_iter().take(limit).map(body).collect(),
            };
        }
        let upper = Bound::Excluded((listing.before.unwrap_or(i64::MAX), Arc::from("")));
        let range = self.order.range((Bound::Unbounded, upper)).map(|(_, document)| document);
        match listing.newest_first {
            true => range.rev().take(limit).map(body).collect(),
            false => range.take(limit).map(body).collect(),
        }
    }

    /// Documents whose scope is a path, or below it: what is below `a` lies between `a/` and `a0`, as `0` follows `/`.
    fn below(&self, path: &str) -> Vec<&Arc<Document>> {
        let from = |scope: String| (Arc::<str>::from(scope), (i64::MIN, Arc::<str>::from("")));
        let itself = from(path.to_owned())..from(format!("{path}\0"));
        let below = from(format!("{path}/"))..from(format!("{path}0"));
        self.scopes.range(itself).chain(self.scopes.range(below)).map(|(_, document)| document).collect()
    }
}
