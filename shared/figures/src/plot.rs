//! Lines over two axes, as an SVG that needs nothing else: it follows the reader's light or dark colours, each line has
//! its name at its end, and a screen reader hears a title and a description.

use std::fmt::Write;

/// Unit of all sizes here: pixels of a picture that is not scaled.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
/// Where the lines are drawn: at its right, the lines' names.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 530.0;
const TOP: f64 = 70.0;
const BOTTOM: f64 = 340.0;
/// Two names are at least that far apart.
const NAME_HEIGHT: f64 = 20.0;
/// The most steps of an axis.
const STEPS_MAX: f64 = 6.0;

/// The colours and dashes of the lines, in order. Dashes, so that nobody needs the colours.
const LINES: [(&str, &str, &str); 4] = [
    ("#1d5fb4", "#82b7ff", "none"),
    ("#a84300", "#ffb27a", "7 4"),
    ("#24743a", "#84d79b", "2 4"),
    ("#7b3fa0", "#d3a6f0", "9 3 2 3"),
];

/// One axis. It begins at 0.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it says, with its unit.
    pub name: String,
}

/// One line, through its points from left to right.
#[derive(Clone, Debug)]
pub struct Line {
    /// What stands at its end.
    pub name: String,
    /// Its points, in the axes' units; none below 0.
    pub points: Vec<(f64, f64)>,
}

/// A picture of one to four lines.
#[derive(Clone, Debug)]
pub struct Plot {
    /// What it shows, in a few words.
    pub title: String,
    /// All that it shows, for whoever does not see it. The alternative text, where a page shows the picture.
    pub description: String,
    /// From left to right.
    pub x: Axis,
    /// From below.
    pub y: Axis,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Plot {
    /// The picture. The same plot always makes the same text.
    ///
    /// # Panics
    /// If there is no line or are more than four, or a line has no points.
    pub fn svg(&self) -> String {
        assert!((1..=LINES.len()).contains(&self.lines.len()), "a plot has one to {} lines", LINES.len());
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let (x, y) = (Scale::up_to(points().map(|point| point.0)), Scale::up_to(points().map(|point| point.1)));
        let across = |value: f64| LEFT + (RIGHT - LEFT) * value / x.end;
        let up = |value: f64| BOTTOM - (BOTTOM - TOP) * value / y.end;

        let mut svg = self.head();
        for value in y.ticks() {
            let (at, name) = (up(value), name_of(value));
            let _ = writeln!(svg, r#"<path class="grid" d="M{LEFT} {at:.1}H{RIGHT}"/>"#);
            let _ = writeln!(svg, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{name}</text>"#, LEFT - 8.0, at + 5.0);
        }
        for value in x.ticks() {
            let (at, name) = (across(value), name_of(value));
            let _ = writeln!(svg, r#"<path class="axis" d="M{at:.1} {BOTTOM}v5"/>"#);
            let _ = writeln!(svg, r#"<text x="{at:.1}" y="{:.1}" text-anchor="middle">{name}</text>"#, BOTTOM + 22.0);
        }
        let _ = writeln!(svg, r#"<path class="axis" d="M{LEFT} {BOTTOM}H{RIGHT}"/>"#);
        let middle = (LEFT + RIGHT) / 2.0;
        let _ = writeln!(
            svg,
            r#"<text x="{middle}" y="{}" text-anchor="middle">{}</text>"#,
            BOTTOM + 46.0,
            escaped(&self.x.name)
        );
        let _ = writeln!(svg, r#"<text x="12" y="{}">{}</text>"#, TOP - 16.0, escaped(&self.y.name));

        let ends: Vec<(f64, f64)> = self.lines.iter().map(|line| line.end()).collect();
        let heights = apart(&ends.iter().map(|end| up(end.1)).collect::<Vec<_>>());
        for (number, line) in self.lines.iter().enumerate() {
            let path: Vec<String> =
                line.points.iter().map(|point| format!("{:.1} {:.1}", across(point.0), up(point.1))).collect();
            let _ = writeln!(svg, r#"<path class="line line-{number}" d="M{}"/>"#, path.join("L"));
            let (at, height) = (across(ends[number].0) + 8.0, heights[number] + 5.0);
            let _ = writeln!(
                svg,
                r#"<text class="name-{number}" x="{at:.1}" y="{height:.1}">{}</text>"#,
                escaped(&line.name)
            );
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn head(&self) -> String {
        let mut light = String::new();
        let mut dark = String::new();
        for (number, (on_light, on_dark, dashes)) in LINES.iter().enumerate().take(self.lines.len()) {
            let _ = writeln!(light, ".line-{number}{{stroke:{on_light};stroke-dasharray:{dashes}}}");
            let _ = writeln!(light, ".name-{number}{{fill:{on_light}}}");
            let _ = writeln!(dark, ".line-{number}{{stroke:{on_dark}}}.name-{number}{{fill:{on_dark}}}");
        }
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title description">
<title id="title">{title}</title>
<desc id="description">{description}</desc>
<style>
.paper{{fill:#ffffff}}
text{{fill:#24292f;font:14px system-ui,sans-serif}}
.title{{font-size:17px;font-weight:600}}
.grid{{stroke:#d0d7de}}
.axis{{stroke:#57606a}}
.line{{fill:none;stroke-width:2.5;stroke-linejoin:round}}
{light}@media (prefers-color-scheme:dark){{
.paper{{fill:#16191d}}
text{{fill:#e6e8ea}}
.grid{{stroke:#3a4048}}
.axis{{stroke:#9aa4ae}}
{dark}}}
</style>
<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>
<text class="title" x="12" y="26">{title}</text>
"#,
            title = escaped(&self.title),
            description = escaped(&self.description),
        )
    }
}

impl Line {
    fn end(&self) -> (f64, f64) {
        *self.points.last().unwrap_or_else(|| panic!("the line {} has no points", self.name))
    }
}

/// Where an axis ends, and the step between its ticks.
struct Scale {
    end: f64,
    step: f64,
}

impl Scale {
    /// The smallest round scale that holds these values: steps of 1, 2 or 5, or ten times as much, and so on.
    fn up_to(values: impl Iterator<Item = f64>) -> Scale {
        let most = values.fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let mut ten = 10f64.powf((most / STEPS_MAX).log10().floor());
        loop {
            for step in [1.0, 2.0, 5.0].map(|factor| factor * ten) {
                if most <= step * STEPS_MAX {
                    return Scale { end: (most / step).ceil() * step, step };
                }
            }
            ten *= 10.0;
        }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let steps = (self.end / self.step).round() as u64;
        (0..=steps).map(|number| number as f64 * self.step)
    }
}

/// `1000` as `1,000`, and `0.25` as it is.
fn name_of(value: f64) -> String {
    let text = format!("{value:.6}");
    let (whole, rest) = text.trim_end_matches('0').split_once('.').unwrap_or((&text, ""));
    let mut name = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            name.push(',');
        }
        name.push(digit);
    }
    if rest.is_empty() { name } else { format!("{name}.{rest}") }
}

/// These heights, moved so far up that none is too near to another.
fn apart(heights: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*b].total_cmp(&heights[*a]));
    let mut moved = heights.to_vec();
    for pair in order.windows(2) {
        moved[pair[1]] = moved[pair[1]].min(moved[pair[0]] - NAME_HEIGHT);
    }
    moved
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(lines: &[(&str, &[(f64, f64)])]) -> Plot {
        let axis = |name: &str| Axis { name: name.into() };
        Plot {
            title: "Kept & shown".into(),
            description: "One grows.".into(),
            x: axis("edits"),
            y: axis("KB"),
            lines: lines.iter().map(|(name, points)| Line { name: (*name).into(), points: points.to_vec() }).collect(),
        }
    }

    #[test]
    fn a_point_is_where_its_axes_say() {
        let svg = plot(&[("grows", &[(0.0, 0.0), (500.0, 5.0), (1000.0, 10.0)])]).svg();
        assert!(svg.contains(r#"<path class="line line-0" d="M70.0 340.0L300.0 205.0L530.0 70.0"/>"#), "{svg}");
        assert!(svg.contains(">1,000</text>") && svg.contains(">edits</text>") && svg.contains(">KB</text>"));
    }

    #[test]
    fn it_speaks_to_those_who_do_not_see_it_and_follows_dark_colours() {
        let svg = plot(&[("grows", &[(0.0, 0.0), (1.0, 1.0)])]).svg();
        assert!(svg.contains("<title id=\"title\">Kept &amp; shown</title>"));
        assert!(svg.contains("<desc id=\"description\">One grows.</desc>"));
        assert!(svg.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn an_axis_ends_at_a_round_number_and_has_few_steps() {
        for (most, end, steps) in [(1000.0, 1000.0, 5), (54.3, 60.0, 6), (7.0, 8.0, 4), (0.3, 0.3, 6), (0.0, 1.0, 5)] {
            let scale = Scale::up_to([most].into_iter());
            assert!((scale.end - end).abs() < 1e-9, "{most}: {}", scale.end);
            assert_eq!(scale.ticks().count(), steps + 1, "{most}");
        }
        assert_eq!([0.0, 0.05, 1500.0, 2_000_000.0].map(name_of), ["0", "0.05", "1,500", "2,000,000"]);
    }

    #[test]
    fn names_of_lines_that_end_together_stay_apart() {
        assert_eq!(apart(&[100.0, 300.0, 301.0]), [100.0, 281.0, 301.0]);
        assert_eq!(apart(&[300.0, 300.0, 290.0]), [300.0, 280.0, 260.0]);
    }
}
