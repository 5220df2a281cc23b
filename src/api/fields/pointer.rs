//! The position of a fault.

use crate::api::problem::Fault;

/// A JSON pointer (RFC 6901). It is formatted only for a fault.
#[derive(Debug, Clone, Copy)]
pub struct Pointer<'p> {
    parent: Option<&'p Pointer<'p>>,
    name: &'p str,
}

impl<'p> Pointer<'p> {
    /// The body itself.
    pub const ROOT: Self = Self { parent: None, name: "" };

    /// A member of this object, or an item of this array by its index.
    #[must_use]
    pub const fn child(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), name }
    }

    /// A fault of the value at this position.
    pub fn fault(&self, detail: impl Into<String>) -> Fault {
        let mut pointer = String::new();
        self.write(&mut pointer);
        Fault { pointer: Some(pointer), parameter: None, detail: detail.into() }
    }

    /// A fault of a value further down, which these steps lead to.
    #[must_use]
    pub fn below(&self, steps: &[String], detail: &str) -> Fault {
        match steps {
            [] => self.fault(detail),
            [first, rest @ ..] => self.child(first).below(rest, detail),
        }
    }

    fn write(&self, pointer: &mut String) {
        let Some(parent) = self.parent else { return };
        parent.write(pointer);
        pointer.push('/');
        // Escaping by RFC 6901, section 3.
        pointer.push_str(&self.name.replace('~', "~0").replace('/', "~1"));
    }
}
