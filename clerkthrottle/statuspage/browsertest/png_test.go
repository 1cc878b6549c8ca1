package browsertest

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"
	"testing"
)

// shrink writes a picture with the 256 colours that it has most of. The page has
// few, and shades of them at the edges of letters.
func shrink(t *testing.T, shot []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	area := full.Bounds()
	at := func(i int) color.RGBA {
		r, g, b, a := full.At(area.Min.X+i%area.Dx(), area.Min.Y+i/area.Dx()).RGBA()
		return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}
	}
	pixels := map[color.RGBA]int{}
	for i := range area.Dx() * area.Dy() {
		pixels[at(i)]++
	}
	colours := slices.SortedFunc(maps.Keys(pixels), func(a, b color.RGBA) int {
		return cmp.Compare(pixels[b], pixels[a])
	})
	var palette color.Palette
	for _, c := range colours[:min(256, len(colours))] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	for _, c := range colours {
		nearest[c] = uint8(palette.Index(c))
	}
	small := image.NewPaletted(image.Rect(0, 0, area.Dx(), area.Dy()), palette)
	for i := range small.Pix {
		small.Pix[i] = nearest[at(i)]
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
