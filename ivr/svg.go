package ivr

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Measures of the drawing, in pixels.
const (
	letter   = 7.2 // width of one of the monospaced font
	boxTall  = 44
	between  = 28 // boxes of a row
	rowTall  = 116
	margin   = 20
	longText = 34 // letters; the rest of a line is "…"
)

// SVG is the picture as a drawing of its own: rows by how far a node is from the
// start, and no font or script from elsewhere.
func (p Picture) SVG() string {
	at := p.places()
	width, tall := 0.0, 0.0
	for _, s := range at {
		width, tall = max(width, s.x+s.w), max(tall, s.y+boxTall)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="monospace" font-size="12">`+"\n", width+3*margin, tall+margin)
	b.WriteString(`<style>rect{fill:#fff;stroke:#345}.menu,.collect,.branch,.lookup{fill:#e8f0ff}.queue,.voicemail,.hangup,.return{fill:#eee}` +
		`path{fill:none;stroke:#678}.jump{stroke-dasharray:4 3}.key{fill:#024;font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px}` +
		`.start rect{stroke-width:2.5}</style>` + "\n" +
		`<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#678"/></marker></defs>` + "\n")
	out := make(map[string]int)
	for _, a := range p.Arrows {
		b.WriteString(a.svg(at[a.From], at[a.To], out[a.From]))
		out[a.From]++
	}
	for _, box := range p.Boxes {
		b.WriteString(box.svg(at[box.ID]))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// spot is where a box is, by its upper left corner.
type spot struct{ x, y, w float64 }

// places puts the boxes of a level into one row, in their order.
func (p Picture) places() map[string]spot {
	at := make(map[string]spot, len(p.Boxes))
	ends := make(map[int]float64)
	for _, box := range p.Boxes {
		w := letter*float64(max(utf8.RuneCountInString(short(box.ID)), utf8.RuneCountInString(short(box.about())))) + 16
		x := max(ends[box.Level], margin)
		at[box.ID] = spot{x, float64(margin + (box.Level-1)*rowTall), w}
		ends[box.Level] = x + w + between
	}
	return at
}

func (b Box) about() string { return strings.TrimSpace(b.Kind + " " + b.Text) }

func (b Box) svg(s spot) string {
	start := ""
	if b.Start {
		start = ` class="start"`
	}
	return fmt.Sprintf(`<g%s><title>%s</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%d" rx="6"/>`+
		`<text x="%.1f" y="%.1f">%s</text><text x="%.1f" y="%.1f">%s</text></g>`+"\n",
		start, html.EscapeString(b.ID), html.EscapeString(b.Kind), s.x, s.y, s.w, boxTall,
		s.x+8, s.y+18, html.EscapeString(short(b.ID)), s.x+8, s.y+35, html.EscapeString(short(b.about())))
}

// svg is a way: down from box to box, and round the right side when it leads back up.
// Labels of ways from one box stand one below the other.
func (a Arrow) svg(from, to spot, nth int) string {
	x1, y1 := from.x+from.w/2, from.y+boxTall
	x2, y2 := to.x+to.w/2, to.y
	path := fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x1, y1, x1, y1+36, x2, y2-36, x2, y2)
	lx, ly := x1+(x2-x1)*0.25+4, y1+14+float64(nth%4)*13
	if to.y <= from.y {
		x1, y1 = from.x+from.w, from.y+boxTall/2
		x2, y2 = to.x+to.w, to.y+boxTall/2
		path = fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x1, y1, x1+40, y1, x2+40, y2, x2, y2)
		lx, ly = x1+6, y1-4
	}
	class := ""
	if a.Jump {
		class = ` class="jump"`
	}
	line := fmt.Sprintf(`<path%s d="%s" marker-end="url(#tip)"/>`, class, path)
	if a.Label != "" {
		line += fmt.Sprintf(`<text class="key" x="%.1f" y="%.1f">%s</text>`, lx, ly, html.EscapeString(short(a.Label)))
	}
	return line + "\n"
}

func short(s string) string {
	if utf8.RuneCountInString(s) <= longText {
		return s
	}
	return string([]rune(s)[:longText-1]) + "…"
}
