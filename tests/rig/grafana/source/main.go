// Reads a dashboard by Grafana's own schema and prints what it does not take, a line each; exits 1 where there is any.
//
// Only the panels and the data source that are registered here are read to the letter; others are refused.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

func main() {
	if err := check(os.Stdin); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func check(in io.Reader) error {
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())

	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	var problems cog.BuildErrors // an empty one is what it returns where it has found none
	if err := new(dashboard.Dashboard).UnmarshalJSONStrict(text); !errors.As(err, &problems) || len(problems) > 0 {
		return err
	}
	var board dashboard.Dashboard // once more, for where that has found nothing it has kept no panel
	if err := json.Unmarshal(text, &board); err != nil {
		return err
	}
	for i, each := range board.Panels {
		if each.Panel == nil {
			continue // a row
		}
		if _, known := runtime.ConfigForPanelcfgVariant(each.Panel.Type); !known {
			return fmt.Errorf("panels[%d].type: %q is read by nobody here", i, each.Panel.Type)
		}
	}
	return board.Validate()
}
