// Replaces each drawing by one that answers to a pointer and fills the width there is.
(() => {
  "use strict";
  const GAP = 12;
  const NARROWEST_STEP = 5;
  const hint = document.createElement("div");
  hint.className = "hint";
  hint.hidden = true;
  hint.setAttribute("aria-hidden", "true");
  document.body.append(hint);

  // Only ever as text: some of it comes from logs.
  const show = (_handler, event, item, told) => {
    // What is nearest to the pointer is a cell around a mark, and knows it by its mark.
    const text = told && (item.datum.tip ?? item.datum.datum?.tip);
    hint.hidden = !text;
    if (!text) return;
    hint.textContent = text;
    const room = document.documentElement;
    const x = Math.min(event.clientX + GAP, room.clientWidth - hint.offsetWidth - GAP);
    const above = event.clientY - hint.offsetHeight - GAP;
    hint.style.left = `${Math.max(GAP, x)}px`;
    hint.style.top = `${above > 0 ? above : event.clientY + GAP}px`;
  };
  addEventListener("scroll", () => { hint.hidden = true; }, { passive: true });

  const draw = async (plot) => {
    const still = plot.querySelector(".still");
    const spec = JSON.parse(plot.querySelector("script").textContent);
    const live = document.createElement("div");
    live.className = "live";
    plot.append(live);
    const options = { mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, tooltip: show };
    const { view } = await vegaEmbed(live, spec, options);
    // What of the drawing is labels stays as it is; the rest takes up the room.
    const margin = still.querySelector("svg").viewBox.baseVal.width - view.width();
    const step = spec.width?.step;
    const weeks = step && spec.encoding.x.scale.domain.length;
    const redraw = (signal, value) => view.signal(signal, value).runAsync();
    // A label may reach beyond the last week, which only the drawing tells.
    const excess = () => live.querySelector("svg").getBoundingClientRect().width - plot.clientWidth;
    const fit = async () => {
      const room = plot.clientWidth;
      if (!room) return;
      if (!step) {
        await redraw("width", Math.max(120, room - margin));
        return;
      }
      let width = step;
      await redraw("x_step", width);
      for (let tries = 0; tries < 4 && excess() > 0 && width > NARROWEST_STEP; tries += 1) {
        width = Math.max(NARROWEST_STEP, width - excess() / weeks);
        await redraw("x_step", width);
      }
    };
    plot.classList.add("answering");
    await fit();
    let width = plot.clientWidth;
    new ResizeObserver(() => {
      if (plot.clientWidth === width) return;
      width = plot.clientWidth;
      fit();
    }).observe(plot);
  };

  (async () => {
    for (const plot of document.querySelectorAll("[data-plot]")) {
      try {
        await draw(plot);
      } catch (error) {
        plot.classList.remove("answering");
        console.error(error);
      }
    }
    document.documentElement.dataset.drawn = "all";
  })();
})();
