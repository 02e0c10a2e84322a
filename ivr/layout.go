package ivr

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Drawing is a picture with the places of all that is on it, in pixels from the upper
// left corner.
type Drawing struct {
	Width  float64    `json:"width"`
	Height float64    `json:"height"`
	Boxes  []DrawnBox `json:"boxes"`
	Arrows []DrawnWay `json:"arrows"`
}

// DrawnBox is a node and where it is drawn.
type DrawnBox struct {
	Box
	X     float64  `json:"x"`
	Y     float64  `json:"y"`
	W     float64  `json:"w"`
	H     float64  `json:"h"`
	Lines []string `json:"lines"` // of its text, from above
}

// DrawnWay is an arrow, its line as the path of an SVG, and where its label begins.
type DrawnWay struct {
	Arrow
	Path   string  `json:"path"`
	LabelX float64 `json:"label_x"`
	LabelY float64 `json:"label_y"`
}

// Measures of the drawing, in pixels.
const (
	letter   = 7.2 // width of one of the monospaced font
	lineTall = 17
	between  = 28 // boxes of a row
	gap      = 72 // rows
	margin   = 20
	longText = 34 // letters; the rest of a line is "…"
)

// Lay gives everything its place: a node below all that lead to it, but for ways that
// lead back, and rows in the middle of the drawing.
func (p Picture) Lay() Drawing {
	var d Drawing
	at := make(map[string]int) // index in d.Boxes
	ways := p.ways()
	y := float64(margin)
	rows := p.rows(ways)
	starts := make([]int, len(rows))
	for i, row := range rows {
		x, tall := float64(margin), 0.0
		starts[i] = len(d.Boxes)
		for _, b := range row {
			box := b.drawn(x, y)
			at[b.ID] = len(d.Boxes)
			d.Boxes = append(d.Boxes, box)
			x, tall = x+box.W+between, max(tall, box.H)
		}
		d.Width = max(d.Width, x-between+3*margin)
		y += tall + gap
	}
	d.Height = max(y-gap+margin, 0)
	d.centre(starts)
	out := make(map[string]int)
	for _, a := range ways {
		d.Arrows = append(d.Arrows, a.drawn(d.Boxes[at[a.From]], d.Boxes[at[a.To]], out[a.From]))
		out[a.From]++
	}
	return d
}

// centre moves rows, by the index of their first boxes, to the middle.
func (d *Drawing) centre(starts []int) {
	for i, first := range starts {
		end := len(d.Boxes)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		row := d.Boxes[first:end]
		if len(row) == 0 {
			continue
		}
		last := row[len(row)-1]
		by := (d.Width - 3*margin - last.X - last.W) / 2
		for n := range row {
			row[n].X += by
		}
	}
}

// ways is the arrows to draw: those from one box to another as one, with all labels.
func (p Picture) ways() []Arrow {
	var ways []Arrow
	index := make(map[[2]string]int)
	for _, a := range p.Arrows {
		key := [2]string{a.From, a.To}
		i, again := index[key]
		if !again {
			index[key] = len(ways)
			ways = append(ways, a)
			continue
		}
		ways[i].Label = strings.Trim(ways[i].Label+", "+a.Label, ", ")
	}
	return ways
}

// rows is the boxes from above. Two of a row stand in the order of the middle of
// those that lead to them, so that fewer lines cross.
func (p Picture) rows(ways []Arrow) [][]Box {
	into := make(map[string][]string)
	for _, a := range ways {
		into[a.To] = append(into[a.To], a.From)
	}
	depth := p.depths(ways)
	var rows [][]Box
	for _, b := range p.Boxes {
		for len(rows) <= depth[b.ID] {
			rows = append(rows, nil)
		}
		rows[depth[b.ID]] = append(rows[depth[b.ID]], b)
	}
	place := make(map[string]float64) // of 1 in its row
	for _, row := range rows {
		middle := make(map[string]float64)
		for _, b := range row {
			sum, of := 0.0, 0
			for _, from := range into[b.ID] {
				if x, above := place[from]; above {
					sum, of = sum+x, of+1
				}
			}
			middle[b.ID] = sum / float64(max(of, 1))
		}
		slices.SortStableFunc(row, func(a, b Box) int { return cmp.Compare(middle[a.ID], middle[b.ID]) })
		for i, b := range row {
			place[b.ID] = (float64(i) + 0.5) / float64(len(row))
		}
	}
	return rows
}

// depths is how many rows a box is below the first: more than any that leads to it,
// by a way that does not lead back.
func (p Picture) depths(ways []Arrow) map[string]int {
	out := make(map[string][]string)
	for _, a := range ways {
		out[a.From] = append(out[a.From], a.To)
	}
	w := wayfinder{out: out, seen: make(map[string]colour)}
	for _, b := range p.Boxes {
		w.visit(b.ID)
	}
	depth := make(map[string]int, len(p.Boxes))
	for _, id := range slices.Backward(w.done) {
		for _, to := range w.forth[id] {
			depth[to] = max(depth[to], depth[id]+1)
		}
	}
	return depth
}

// wayfinder walks an acyclic part of a graph; done has what leads on behind what it
// leads to.
type wayfinder struct {
	out   map[string][]string
	seen  map[string]colour
	forth map[string][]string // without the ways back
	done  []string
}

func (w *wayfinder) visit(id string) {
	if w.seen[id] != unseen {
		return
	}
	w.seen[id] = onPath
	if w.forth == nil {
		w.forth = make(map[string][]string)
	}
	for _, to := range w.out[id] {
		if w.seen[to] == onPath {
			continue
		}
		w.forth[id] = append(w.forth[id], to)
		w.visit(to)
	}
	w.seen[id] = done
	w.done = append(w.done, id)
}

func (b Box) drawn(x, y float64) DrawnBox {
	lines := []string{short(b.ID), short(b.about())}
	if b.Count != nil {
		lines = append(lines, b.Count.String())
	}
	long := 0
	for _, l := range lines {
		long = max(long, utf8.RuneCountInString(l))
	}
	return DrawnBox{Box: b, X: x, Y: y, W: letter*float64(long) + 16, H: float64(10 + lineTall*len(lines)), Lines: lines}
}

// drawn is a way: down from box to box, and round the right side when it leads back
// up. Its label is on the line, the nth of a box at a place of its own.
func (a Arrow) drawn(from, to DrawnBox, nth int) DrawnWay {
	if to.Y <= from.Y {
		x1, y1 := from.X+from.W, from.Y+from.H*0.7
		x2, y2 := to.X+to.W, to.Y+to.H*0.3
		out := max(x1, x2) + 40
		return DrawnWay{
			Arrow: a, LabelX: x1 + 8, LabelY: y1 + 11,
			Path: fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x1, y1, out, y1, out, y2, x2, y2),
		}
	}
	x1, y1 := from.X+from.W/2, from.Y+from.H
	x2, y2 := to.X+to.W/2, to.Y
	t, bend := 0.22+0.18*float64(nth%4), 36.0
	x := x1*(1-t)*(1-t)*(1+2*t) + x2*t*t*(3-2*t)
	y := y1 + 3*(1-t)*(1-t)*t*bend + 3*(1-t)*t*t*(y2-y1-bend) + t*t*t*(y2-y1)
	return DrawnWay{
		Arrow: a, LabelX: x + 4, LabelY: y + 4,
		Path: fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x1, y1, x1, y1+bend, x2, y2-bend, x2, y2),
	}
}

func short(s string) string {
	if utf8.RuneCountInString(s) <= longText {
		return s
	}
	return string([]rune(s)[:longText-1]) + "…"
}
