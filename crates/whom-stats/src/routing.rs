//! The path of a unit through a tree: splits on tag codes, without anything a tree knows besides.

use serde::{Deserialize, Serialize};

use crate::pass::PassError;

/// A code of a binned tag. At most 256 codes by default, 65,536 where a pipeline asks for wide codes.
pub type Code = u16;

/// A set of codes, as a bit per code.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CodeSet {
    words: Vec<u64>,
}

impl CodeSet {
    /// The set that holds no code.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a code.
    pub fn insert(&mut self, code: Code) {
        let word = usize::from(code) / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (code % 64);
    }

    /// Whether the set holds the code.
    #[inline]
    pub fn contains(&self, code: Code) -> bool {
        self.words.get(usize::from(code) / 64).is_some_and(|word| (word >> (code % 64)) & 1 == 1)
    }

    /// The codes in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Code> + '_ {
        (0..self.words.len() * 64).map(|code| code as Code).filter(|code| self.contains(*code))
    }
}

impl FromIterator<Code> for CodeSet {
    fn from_iter<I: IntoIterator<Item = Code>>(codes: I) -> Self {
        let mut set = Self::new();
        codes.into_iter().for_each(|code| set.insert(code));
        set
    }
}

/// Index of a node in its [`Routing`]; the root is 0 and a child's index is larger than its parent's.
pub type NodeIndex = usize;

/// A split: units whose code of `column` is in `left` go left, all others right. Every code is decided, the missing
/// one and codes that growth never saw included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Index of the tag column.
    pub column: usize,
    /// The codes that go left.
    pub left: CodeSet,
    /// The node on the left.
    pub left_child: NodeIndex,
    /// The node on the right.
    pub right_child: NodeIndex,
}

/// A binary tree of splits. `None` is a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    nodes: Vec<Option<Split>>,
}

impl Default for Routing {
    fn default() -> Self {
        Self::root()
    }
}

impl Routing {
    /// The tree that is only a root.
    pub fn root() -> Self {
        Self { nodes: vec![None] }
    }

    /// Turns a leaf into a split and returns its children's indices, or `None` if `node` is not a leaf of this tree.
    pub fn split(&mut self, node: NodeIndex, column: usize, left: CodeSet) -> Option<(NodeIndex, NodeIndex)> {
        if !matches!(self.nodes.get(node), Some(None)) {
            return None;
        }
        let (left_child, right_child) = (self.nodes.len(), self.nodes.len() + 1);
        self.nodes[node] = Some(Split { column, left, left_child, right_child });
        self.nodes.extend([None, None]);
        Some((left_child, right_child))
    }

    /// Checks that every path ends and reads columns that exist: a tree that was read from elsewhere may be anything.
    ///
    /// # Errors
    /// A split on a column that is not below `columns`, or whose children are not later nodes.
    pub fn check(&self, columns: usize) -> Result<(), PassError> {
        let nodes = self.nodes.len();
        if nodes == 0 {
            return Err(PassError::Node { node: 0, nodes });
        }
        for (node, split) in self.nodes.iter().enumerate() {
            let Some(split) = split else { continue };
            if split.column >= columns {
                return Err(PassError::Column { column: split.column, columns });
            }
            let later = node + 1..nodes;
            if !later.contains(&split.left_child) || !later.contains(&split.right_child) {
                return Err(PassError::Routing { node });
            }
        }
        Ok(())
    }

    /// Every node, the root first.
    pub fn nodes(&self) -> &[Option<Split>] {
        &self.nodes
    }

    /// The leaves in ascending order of index.
    pub fn leaves(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        self.nodes.iter().enumerate().filter(|(_, split)| split.is_none()).map(|(node, _)| node)
    }

    /// The leaf of a unit, given its code of each column.
    #[inline]
    pub fn leaf(&self, code_of: impl Fn(usize) -> Code) -> NodeIndex {
        self.walk(code_of, |_| ())
    }

    /// Visits the nodes on a unit's path, from the root to the leaf, which is returned.
    #[inline]
    pub fn walk(&self, code_of: impl Fn(usize) -> Code, mut visit: impl FnMut(NodeIndex)) -> NodeIndex {
        let mut node = 0;
        visit(node);
        while let Some(split) = &self.nodes[node] {
            node = if split.left.contains(code_of(split.column)) { split.left_child } else { split.right_child };
            visit(node);
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_codes_holds_what_was_put_in() {
        let set: CodeSet = [300, 0, 64, 0].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 64, 300]);
        assert!(!set.contains(65_535));
    }

    #[test]
    fn a_unit_goes_down_to_one_leaf() {
        let mut routing = Routing::root();
        assert_eq!(routing.split(0, 0, [1].into_iter().collect()), Some((1, 2)));
        assert_eq!(routing.split(2, 1, [5].into_iter().collect()), Some((3, 4)));
        assert_eq!(routing.split(2, 1, CodeSet::new()), None, "only a leaf can be split");
        assert_eq!(routing.split(9, 1, CodeSet::new()), None);
        assert_eq!(routing.leaves().collect::<Vec<_>>(), [1, 3, 4]);
        let mut path = Vec::new();
        assert_eq!(routing.walk(|column| [7, 5][column], |node| path.push(node)), 3);
        assert_eq!(path, [0, 2, 3]);
        assert_eq!(routing.leaf(|_| 1), 1);
    }

    #[test]
    fn a_tree_that_runs_in_circles_is_refused() {
        let circle = Split { column: 0, left: CodeSet::new(), left_child: 0, right_child: 1 };
        let routing = Routing { nodes: vec![Some(circle), None] };
        assert_eq!(routing.check(1), Err(PassError::Routing { node: 0 }));
        assert_eq!(Routing { nodes: Vec::new() }.check(1), Err(PassError::Node { node: 0, nodes: 0 }));
        assert_eq!(Routing::root().check(0), Ok(()));
    }
}
