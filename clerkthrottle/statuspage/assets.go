package statuspage

import (
	"embed"
	"html/template"
	"path"
	"reflect"
)

//go:embed assets
var files embed.FS

// asset is a file that is served as it is.
type asset struct {
	contentType string
	body        []byte
}

var assets = map[string]*asset{
	"page.css": load("page.css"),
	"live.js":  load("live.js"),
	"morph.js": load("morph.js"),
	"clock.js": load("clock.js"),
	"icon.svg": load("icon.svg"),
}

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"num":       func(n reflect.Value) string { return num(n.Int()) }, // of any int
	"dur":       dur,
	"window":    window,
	"countdown": countdown,
	"plural":    plural[int],
	"stamp":     stamp,
	"breaks":    breaks,
	"percent":   percent,
}).ParseFS(files, "assets/*.html"))

func load(name string) *asset {
	body, err := files.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return &asset{contentTypes[path.Ext(name)], body}
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}
