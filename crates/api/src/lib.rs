//! The wire: types, error body, typed client, OpenAPI
