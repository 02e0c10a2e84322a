package ivr

import (
	"fmt"
	"html"
	"strings"
)

// SVG is the picture as a drawing of its own, with no font or script from elsewhere.
func (p Picture) SVG() string {
	d := p.Lay()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="monospace" font-size="12">`+"\n", d.Width, d.Height)
	b.WriteString(`<style>rect{fill:#fff;stroke:#345}.menu,.collect,.branch,.lookup{fill:#e8f0ff}.queue,.voicemail,.hangup,.return{fill:#eee}` +
		`path{fill:none;stroke:#678}.jump{stroke-dasharray:4 3}.key{fill:#024;font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px}` +
		`.start rect{stroke-width:2.5}</style>` + "\n" +
		`<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#678"/></marker></defs>` + "\n")
	for _, a := range d.Arrows {
		b.WriteString(a.svg())
	}
	for _, box := range d.Boxes {
		b.WriteString(box.svg())
	}
	for _, a := range d.Arrows {
		b.WriteString(a.label())
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (b DrawnBox) svg() string {
	start := ""
	if b.Start {
		start = ` class="start"`
	}
	var box strings.Builder
	fmt.Fprintf(&box, `<g%s><title>%s</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="6"/>`,
		start, html.EscapeString(b.ID), html.EscapeString(b.Kind), b.X, b.Y, b.W, b.H)
	for i, line := range b.Lines {
		fmt.Fprintf(&box, `<text x="%.1f" y="%.1f">%s</text>`, b.X+8, b.Y+18+float64(i*lineTall), html.EscapeString(line))
	}
	box.WriteString("</g>\n")
	return box.String()
}

func (w DrawnWay) svg() string {
	class := ""
	if w.Jump {
		class = ` class="jump"`
	}
	return fmt.Sprintf(`<path%s d="%s" marker-end="url(#tip)"/>`+"\n", class, w.Path)
}

func (w DrawnWay) label() string {
	if w.Label == "" {
		return ""
	}
	return fmt.Sprintf(`<text class="key" x="%.1f" y="%.1f">%s</text>`+"\n", w.LabelX, w.LabelY, html.EscapeString(short(w.Label)))
}
