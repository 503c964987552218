//! Both values laid out flat, with equal subtrees told by one number.
//!
//! Every distinct JSON value met gets a class, a small number, by hash consing (Ershov, *On
//! Programming of Arithmetic Operations*, 1958): a scalar is looked up by itself, a container by the
//! classes of its children. Two subtrees are equal exactly when their classes are, so that no later
//! step compares deeply, and none trusts a digest that a hostile writer could collide.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Number, Value};

use super::deep::Cursor;

/// One value with its place and class.
#[derive(Clone, Copy)]
pub(super) struct Node<'v> {
    pub(super) value: &'v Value,
    /// Its key in the object around it; empty elsewhere.
    pub(super) key: &'v str,
    /// Equal for equal values, in either tree.
    pub(super) class: usize,
    first_child: usize,
    children: usize,
}

/// The nodes of both values, each parent before its children, siblings side by side: array elements
/// in their order, object members by key.
pub(super) struct Forest<'v> {
    nodes: Vec<Node<'v>>,
}

/// The root of the value before, in every forest.
pub(super) const BEFORE: usize = 0;
/// The root of the value after.
pub(super) const AFTER: usize = 1;

/// What tells one value from another, once its children have classes.
#[derive(PartialEq, Eq, Hash)]
enum Shape<'v> {
    Null,
    Bool(bool),
    Number(&'v Number),
    String(&'v str),
    Array(Box<[usize]>),
    Object(Box<[(&'v str, usize)]>),
}

impl<'v> Forest<'v> {
    /// Linear in time and memory, whatever the depth.
    pub(super) fn new(before: &'v Value, after: &'v Value) -> Self {
        let mut forest = Self {
            nodes: vec![Node::new("", before), Node::new("", after)],
        };
        let mut next = 0;
        while next < forest.nodes.len() {
            forest.add_children(next);
            next += 1;
        }
        forest.classify();
        forest
    }

    pub(super) fn node(&self, at: usize) -> Node<'v> {
        self.nodes[at]
    }

    pub(super) fn children(&self, at: usize) -> Range<usize> {
        let node = &self.nodes[at];
        node.first_child..node.first_child + node.children
    }

    pub(super) fn same(&self, one: usize, other: usize) -> bool {
        self.nodes[one].class == self.nodes[other].class
    }

    pub(super) fn classes(&self, range: Range<usize>) -> Vec<usize> {
        self.nodes[range].iter().map(|node| node.class).collect()
    }

    /// The member of the object at `at` under `key`.
    pub(super) fn member(&self, at: usize, key: &str) -> Option<Node<'v>> {
        let members = &self.nodes[self.children(at)];
        let found = members.binary_search_by(|member| member.key.cmp(key));
        found.ok().map(|index| members[index])
    }

    fn add_children(&mut self, at: usize) {
        let Some(cursor) = Cursor::over(self.nodes[at].value) else {
            return;
        };
        let first = self.nodes.len();
        self.nodes
            .extend(cursor.map(|(key, value)| Node::new(key, value)));
        let added = &mut self.nodes[first..];
        // Moves nothing unless some crate in the build turns on serde_json's `preserve_order`;
        // elements, which have no key, keep their order, since the sort is stable.
        added.sort_by(|one, other| one.key.cmp(other.key));
        let children = added.len();
        self.nodes[at].first_child = first;
        self.nodes[at].children = children;
    }

    /// From the last node to the first, so that children come before their parents.
    fn classify(&mut self) {
        let mut classes = HashMap::new();
        for at in (0..self.nodes.len()).rev() {
            let shape = self.shape(at);
            let fresh = classes.len();
            self.nodes[at].class = *classes.entry(shape).or_insert(fresh);
        }
    }

    fn shape(&self, at: usize) -> Shape<'v> {
        let children = self.nodes[self.children(at)].iter();
        match self.nodes[at].value {
            Value::Null => Shape::Null,
            Value::Bool(flag) => Shape::Bool(*flag),
            Value::Number(number) => Shape::Number(number),
            Value::String(text) => Shape::String(text),
            Value::Array(_) => Shape::Array(children.map(|child| child.class).collect()),
            Value::Object(_) => {
                Shape::Object(children.map(|child| (child.key, child.class)).collect())
            }
        }
    }
}

impl<'v> Node<'v> {
    fn new(key: &'v str, value: &'v Value) -> Self {
        Self {
            value,
            key,
            class: 0,
            first_child: 0,
            children: 0,
        }
    }
}
