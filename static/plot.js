// Draws every [data-plot]: the figure is JSON in the page ([data-figure]) or at an address (data-src). Plotly itself is
// fetched only when a plot comes near the window. Colours written as var(--name) take the theme's value at drawing time.
"use strict";
(() => {
  const probe = document.createElement("i");
  probe.hidden = true;

  const resolved = (name) => {
    probe.style.color = name;
    return getComputedStyle(probe).color;
  };

  const themed = (value) => {
    if (typeof value === "string") return value.startsWith("var(--") ? resolved(value) : value;
    if (Array.isArray(value)) return typeof value.at(-1) === "number" ? value : value.map(themed);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, themed(inner)]));
    }
    return value;
  };

  const axis = (given, grid) => ({
    gridcolor: "var(--line)", zeroline: false, linecolor: "var(--line-strong)", tickcolor: "var(--line-strong)",
    automargin: true, showgrid: grid, tickfont: { color: "var(--ink-3)", size: 11 }, ...given,
    title: { ...(given?.title ?? {}), font: { color: "var(--ink-2)", size: 12 }, standoff: 8 },
  });

  const layout = (figure, narrow, box) => {
    const grid = figure.data[0]?.type !== "heatmap" || figure.data.length > 1;
    return {
      ...figure.layout,
      xaxis: axis(figure.layout.xaxis, grid),
      yaxis: axis(figure.layout.yaxis, grid),
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: figure.layout.plot_bgcolor ?? "rgba(0,0,0,0)",
      margin: { l: narrow ? 40 : 52, r: 12, t: 10, b: 40 },
      font: { family: getComputedStyle(document.body).fontFamily, color: "var(--ink-2)", size: 12 },
      legend: narrow
        ? { orientation: "h", y: -0.2, yanchor: "top", x: 0, font: { size: 10 } }
        : { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      hoverlabel: { bgcolor: "var(--surface)", bordercolor: "var(--line-strong)", font: { color: "var(--ink)" }, align: "left" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "var(--ink-3)", activecolor: "var(--accent)" },
      newselection: { line: { color: "var(--accent)", width: 1.5, dash: "dot" } },
      dragmode: narrow ? false : box ? "select" : "zoom",
    };
  };

  let plotly = null;
  const library = () => {
    plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = document.querySelector("meta[name=plotly]").content;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("The plot library could not be loaded."));
      document.head.append(script);
    });
    return plotly;
  };

  const requests = new Map();
  const fetched = (address) => {
    if (!requests.has(address)) {
      requests.set(address, fetch(address, { headers: { accept: "application/json" } }).then((answer) => {
        if (!answer.ok) throw new Error(`The figure could not be loaded (${answer.status}).`);
        return answer.json();
      }));
    }
    return requests.get(address);
  };

  const figureOf = async (place) => {
    if (!place.dataset.src) return JSON.parse(place.querySelector("[data-figure]").textContent);
    const found = await fetched(place.dataset.src);
    return place.dataset.key ? found[place.dataset.key] : found;
  };

  const opened = (place) => (event) => {
    const id = event.points?.[0]?.customdata;
    if (place.dataset.href && Number.isInteger(id)) location.assign(place.dataset.href.replace("{id}", id));
  };

  const rounded = (value) => String(Number(value.toPrecision(6)));

  // The list of what lies in a box: its filters are the box's edges, so the address can be copied and changed by hand.
  const listOf = (place, { x, y }) => {
    const address = new URL(place.dataset.box, location.href);
    for (const [field, edges] of [["length", x], [place.dataset.height, y]]) {
      address.searchParams.set(`${field}__gte`, rounded(Math.min(...edges)));
      address.searchParams.set(`${field}__lte`, rounded(Math.max(...edges)));
    }
    return address;
  };

  const listsBoxes = (place, canvas) => {
    const said = document.createElement("p");
    said.className = "quiet";
    said.setAttribute("role", "status");
    const hint = () => { said.textContent = "Drag a box to list the proofs in it; a double click takes it away."; };
    place.after(said);
    hint();
    let last = null;
    canvas.on("plotly_deselect", () => { last = null; hint(); });
    canvas.on("plotly_selected", async (event) => {
      if (!event?.range) return;
      const address = last = listOf(place, event.range);
      said.textContent = "Counting …";
      const asked = new URL(address);
      asked.pathname += ".json";
      asked.searchParams.set("limit", "1");
      const answer = await fetch(asked, { headers: { accept: "application/json" } }).catch(() => null);
      if (last !== address) return; // another box was drawn meanwhile
      const link = document.createElement("a");
      link.href = address.pathname + address.search;
      const total = answer?.ok ? (await answer.json()).total : null;
      link.textContent = total === null ? "List the proofs in the box"
        : `${total.toLocaleString("en")} ${total === 1 ? "proof" : "proofs"} in the box: list ${total === 1 ? "it" : "them"}`;
      said.replaceChildren(link);
    });
  };

  const source = (place) => place.querySelector("[data-figure]")?.textContent;

  const draw = async (place) => {
    try {
      const drawing = source(place);
      const [Plotly, figure] = await Promise.all([library(), figureOf(place)]);
      const narrow = place.clientWidth < 480;
      let canvas = place.querySelector("[data-canvas]");
      const first = !canvas;
      if (first) {
        canvas = document.createElement("div");
        canvas.dataset.canvas = "";
        canvas.style.height = "100%";
        place.append(canvas);
      }
      const themedFigure = themed({ data: figure.data, layout: layout(figure, narrow, place.dataset.box) });
      await Plotly.react(canvas, themedFigure.data, themedFigure.layout, {
        responsive: true, displaylogo: false, displayModeBar: narrow ? false : "hover",
        modeBarButtonsToRemove: ["lasso2d", "autoScale2d", ...(place.dataset.box ? [] : ["select2d"])],
      });
      if (first && place.dataset.box && !narrow) listsBoxes(place, canvas);
      if (first && place.dataset.href) canvas.on("plotly_click", opened(place));
      place.querySelector(".waiting")?.remove();
      place.dataset.drawn = "yes";
      if (source(place) !== drawing) draw(place); // it changed while the library came
    } catch (error) {
      place.classList.add("failed");
      const waiting = place.querySelector(".waiting");
      if (waiting) waiting.textContent = `${error.message} The table below holds the same numbers.`;
    }
  };

  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "300px" });

  const watch = () => document.querySelectorAll("[data-plot]:not([data-drawn])").forEach((place) => near.observe(place));
  const start = () => {
    document.body.append(probe);
    watch();
  };
  const again = () => document.querySelectorAll("[data-drawn]").forEach(draw);

  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("plotsadded", watch);
  document.addEventListener("themechange", again);
  document.addEventListener("figurechange", (event) => { if (event.target.dataset.drawn) draw(event.target); });
})();
