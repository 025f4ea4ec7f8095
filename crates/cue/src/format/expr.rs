pub fn format_expr(_e: &crate::syntax::ast::Expr) -> String {
    String::new()
}
