//! A tree of boxes: from the top down where the leaves have room beside each other, else as an outline.

use super::Width;
use super::label::Label;
use super::svg::{Anchor, Place, Rectangle, Svg, line_height};
use super::text;

/// A tree.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    /// The nodes; the root is the first, and a child comes after its parent.
    pub(crate) nodes: Vec<TreeNode>,
}

/// A node, as it is written in its box.
#[derive(Clone, Debug, Default)]
pub(crate) struct TreeNode {
    /// What leads here.
    pub(crate) branch: Label,
    /// Lines below, each with whether it is smaller than the others.
    pub(crate) lines: Vec<(Label, bool)>,
    /// Its children. One that does not come after it is not drawn.
    pub(crate) children: Vec<usize>,
}

const SIZE: f64 = 13.0;
const SMALL: f64 = 12.0;
const PADDING: f64 = 10.0;
const BETWEEN: f64 = 34.0;
const WIDEST: f64 = 270.0;
const BESIDE: f64 = 12.0;
/// More leaves than this are drawn as an outline.
const LEAVES_BESIDE: usize = 5;
const MOST_ON_A_PHONE: usize = 24;
const BRANCH_LINES: usize = 4;
const LINES: usize = 3;

impl Tree {
    /// The picture; nothing without a split, and nothing on a phone where nobody would scroll through it.
    pub(crate) fn draw(&self, width: Width) -> Option<String> {
        let nodes = self.placed();
        let leaves = nodes.iter().filter(|node| node.is_leaf).count();
        if nodes.len() < 2 || width == Width::Narrow && leaves > MOST_ON_A_PHONE {
            return None;
        }
        let pixels = width.pixels();
        let mut svg = Svg::new(width);
        let height = match width {
            Width::Wide if leaves <= LEAVES_BESIDE => self.downwards(&mut svg, nodes, pixels / leaves as f64),
            Width::Wide => self.outline(&mut svg, &nodes, (pixels, 28.0)),
            Width::Narrow => self.outline(&mut svg, &nodes, (pixels, 14.0)),
        };
        Some(svg.finish(height + 2.0, &self.title, "chart"))
    }

    /// The nodes below the root, each after its parent, left before right.
    fn placed(&self) -> Vec<Placed> {
        let mut placed = Vec::new();
        let mut waiting = vec![(0, 0, None)];
        while let Some((node, depth, parent)) = waiting.pop() {
            let Some(view) = self.nodes.get(node) else { continue };
            let children: Vec<usize> = view.children.iter().copied().filter(|child| *child > node).collect();
            let place = placed.len();
            waiting.extend(children.iter().rev().map(|child| (*child, depth + 1, Some(place))));
            placed.push(Placed { node, depth, parent, is_leaf: children.is_empty(), centre: 0.0 });
        }
        placed
    }

    fn downwards(&self, svg: &mut Svg, mut nodes: Vec<Placed>, slot: f64) -> f64 {
        let width = (slot - BESIDE).min(WIDEST);
        for (leaf, node) in nodes.iter_mut().filter(|node| node.is_leaf).enumerate() {
            node.centre = (leaf as f64 + 0.5) * slot;
        }
        for parent in (0..nodes.len()).rev() {
            let centres: Vec<f64> =
                nodes.iter().filter(|node| node.parent == Some(parent)).map(|node| node.centre).collect();
            if let (Some(node), Some(first), Some(last)) = (nodes.get_mut(parent), centres.first(), centres.last()) {
                node.centre = f64::midpoint(*first, *last);
            }
        }
        let depth = nodes.iter().map(|node| node.depth).max().unwrap_or(0);
        let mut tops = vec![1.0];
        for level in 0..=depth {
            let heights = nodes.iter().filter(|node| node.depth == level).map(|node| self.height(node, width));
            let top: f64 = tops.last().copied().unwrap_or(0.0);
            tops.push(top + heights.fold(0.0, f64::max) + BETWEEN);
        }
        let top_of = |node: &Placed| tops.get(node.depth).copied().unwrap_or(0.0);
        for node in &nodes {
            let Some(parent) = node.parent.and_then(|parent| nodes.get(parent)) else { continue };
            let (from, to) = (top_of(parent) + self.height(parent, width), top_of(node));
            let bend = to - BETWEEN / 2.0;
            let path = [(parent.centre, from), (parent.centre, bend), (node.centre, bend), (node.centre, to)];
            svg.outline(&path, "branch");
        }
        for node in &nodes {
            self.draw_box(svg, node, (node.centre - width / 2.0, top_of(node), width));
        }
        tops.last().copied().unwrap_or(0.0) - BETWEEN
    }

    fn outline(&self, svg: &mut Svg, nodes: &[Placed], (pixels, indent): (f64, f64)) -> f64 {
        let mut y = 1.0;
        let mut tops: Vec<f64> = Vec::new();
        for node in nodes {
            let x = 1.0 + node.depth as f64 * indent;
            let width = (pixels - x - 1.0).clamp(120.0, 2.2 * WIDEST);
            if let Some(from) = node.parent.and_then(|parent| tops.get(parent)) {
                let bar = x - indent / 2.0;
                svg.outline(&[(bar, *from), (bar, y + 16.0), (x, y + 16.0)], "branch");
            }
            let height = self.height(node, width);
            self.draw_box(svg, node, (x, y, width));
            tops.push(y + height);
            y += height + 8.0;
        }
        y - 8.0
    }

    fn height(&self, node: &Placed, width: f64) -> f64 {
        let lines = |label: &Label, size: f64, most: usize| {
            text::wrapped(&label.text, width - 2.0 * PADDING, size, most).len() as f64 * line_height(size)
        };
        let Some(view) = self.nodes.get(node.node) else { return 0.0 };
        let rest: f64 =
            view.lines.iter().map(|(label, small)| lines(label, if *small { SMALL } else { SIZE }, LINES)).sum();
        lines(&view.branch, SIZE, BRANCH_LINES) + rest + 2.0 * PADDING
    }

    fn draw_box(&self, svg: &mut Svg, node: &Placed, (x, y, width): (f64, f64, f64)) {
        let Some(view) = self.nodes.get(node.node) else { return };
        let rectangle = Rectangle { x, y, width, height: self.height(node, width) };
        svg.begin_box(rectangle, if node.is_leaf { "node leaf" } else { "node" }, "");
        let room = width - 2.0 * PADDING;
        let mut place = Place { x: x + PADDING, y: y + PADDING + SIZE - 2.0, anchor: Anchor::Start, size: SIZE };
        let lines = svg.paragraph(place, room, &view.branch, ("strong", BRANCH_LINES));
        place.y += lines as f64 * line_height(SIZE);
        for (label, is_small) in &view.lines {
            let (size, class) = if *is_small { (SMALL, "faint") } else { (SIZE, "plain") };
            let lines = svg.paragraph(Place { size, ..place }, room, label, (class, LINES));
            place.y += lines as f64 * line_height(size);
        }
        svg.end();
    }
}

/// A node in the order in which it is drawn.
struct Placed {
    /// Its index in the tree.
    node: usize,
    depth: usize,
    /// The place of its parent.
    parent: Option<usize>,
    is_leaf: bool,
    /// Where its box is centred.
    centre: f64,
}
