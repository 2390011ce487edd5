// The map. Data comes as scripts that fill window.BRANDKRANEN, so that the page also opens
// from disk; every text from data goes in as text (textContent), never as HTML.
"use strict";

(() => {
  const data = window.BRANDKRANEN;
  const byId = (id) => document.getElementById(id);
  const PROGRESS = [
    { from: 1, fill: "#0f4c75", label: "alles" },
    { from: 0.8, fill: "#3a7ca5", label: "80 % en meer" },
    { from: 0.6, fill: "#7fb0cf", label: "60 tot 80 %" },
    { from: 0.4, fill: "#b3d1e3", label: "40 tot 60 %" },
    { from: 0, fill: "#e3eef5", label: "minder dan 40 %" },
  ];
  const POINTS = {
    ok: { label: "in orde", radius: 4.5, weight: 0.5, color: "#ffffff", fillColor: "#007a5a" },
    failed: { label: "niet in orde", radius: 6, weight: 1.5, color: "#5c1d04", fillColor: "#c2410c" },
    remaining: { label: "nog te controleren", radius: 4.5, weight: 1.5, color: "#4b5762", fillColor: "#ffffff" },
  };
  const DRAW_ORDER = ["ok", "remaining", "failed"]; // what does not work lies on top

  const ALL = "kaart";
  const MARGIN = { padding: [12, 12], animate: false };

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const day = (iso) => (iso ? iso.split("-").reverse().join("/") : "");
  const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ".");

  // -- gemeenten -------------------------------------------------------------------------

  const map = L.map("map", { preferCanvas: true, attributionControl: false, zoomSnap: 0.1 });
  const share = (feature) =>
    feature.properties.registered ? feature.properties.checked / feature.properties.registered : null;
  const fill = (feature) => {
    const part = share(feature);
    return part === null ? "#ffffff" : PROGRESS.find((step) => part >= step.from).fill;
  };
  let chosen = "";
  const style = (feature) => {
    const isChosen = feature.properties.nis === chosen;
    return {
      color: isChosen ? "#123c5a" : "#ffffff",
      weight: isChosen ? 2.5 : 1.5,
      fillColor: fill(feature),
      fillOpacity: chosen ? (isChosen ? 0 : 0.45) : 1,
    };
  };
  const outlines = new Map();
  const names = new Map();
  const gemeenten = L.geoJSON(data.gemeenten, {
    style,
    onEachFeature: (feature, layer) => {
      const { nis, name, percent, label_at: [lon, lat], is_small: isSmall } = feature.properties;
      outlines.set(nis, layer);
      layer.on("click", () => { location.hash = nis; });
      const label = element("span", name);
      label.append(element("br"), percent);
      const tooltip = L.tooltip({ permanent: true, direction: isSmall ? "right" : "center", className: "name" })
        .setLatLng([lat, lon])
        .setContent(label)
        .addTo(map);
      names.set(nis, tooltip);
    },
  }).addTo(map);

  for (const step of PROGRESS) {
    const line = element("li");
    const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [key, value] of Object.entries({ width: "100%", height: "100%", fill: step.fill, stroke: "#8795a1" })) {
      box.setAttribute(key, value);
    }
    swatch.setAttribute("aria-hidden", "true");
    swatch.append(box);
    line.append(swatch, step.label);
    byId("progress-legend").append(line);
  }

  // -- the hydrants of the chosen gemeente -----------------------------------------------

  const groups = new Map(Object.keys(POINTS).map((status) => [status, L.layerGroup()]));
  const boxes = [...document.querySelectorAll("#panel input[type=checkbox]")];

  const popup = (point) => {
    const box = element("div", undefined, "popup");
    const verdict = point.finding || POINTS[point.status].label;
    box.append(element("b", point.id), element("p", verdict, `is-${point.status}`));
    const lines = [
      point.remark,
      point.inspected_on && `gecontroleerd op ${day(point.inspected_on)}`,
      point.tried_on && `vergeefs geprobeerd op ${day(point.tried_on)}`,
      point.street,
      point.kind,
      point.operator,
    ];
    for (const line of lines) if (line) box.append(element("p", line));
    return box;
  };

  const listItem = (point, marker) => {
    const item = element("li");
    const button = element("button");
    button.type = "button";
    button.append(element("b", point.id), element("span", [day(point.inspected_on), point.finding].join(" · ")));
    for (const text of [point.remark, point.street]) if (text) button.append(element("span", text));
    button.addEventListener("click", () => {
      boxes.find((box) => box.value === point.status).checked = true;
      showGroups();
      map.setView(marker.getLatLng(), Math.max(map.getZoom(), 15), { animate: false });
      marker.openPopup();
    });
    item.append(button);
    return item;
  };

  const showGroups = () => {
    resize();
    for (const group of groups.values()) group.remove();
    for (const status of DRAW_ORDER) {
      if (chosen && boxes.find((box) => box.value === status).checked) groups.get(status).addTo(map);
    }
  };

  const resize = () => { // smaller when seen from afar, where they would cover each other
    const scale = Math.min(1, Math.max(0.5, 0.5 + (map.getZoom() - 12) / 5));
    for (const [status, group] of groups) {
      group.eachLayer((marker) => marker.setRadius(POINTS[status].radius * scale));
    }
  };

  const draw = (nis) => {
    const { columns, rows } = data.points[nis];
    const list = byId("list");
    list.replaceChildren();
    for (const group of groups.values()) group.clearLayers();
    for (const row of rows) {
      const point = Object.fromEntries(columns.map((name, index) => [name, row[index]]));
      const { label: _label, ...look } = POINTS[point.status];
      const marker = L.circleMarker([point.lat, point.lon], { ...look, fillOpacity: 1 });
      marker.bindPopup(() => popup(point));
      groups.get(point.status).addLayer(marker);
      if (point.status === "failed") list.append(listItem(point, marker));
    }
    for (const [status, group] of groups) byId(`count-${status}`).textContent = number(group.getLayers().length);
    byId("list-title").hidden = !list.children.length;
    showGroups();
    byId("map").dataset.drawn = nis;
  };

  const load = (nis) => {
    if (data.points[nis]) return draw(nis);
    const script = element("script");
    script.src = `data/${nis}.js`;
    script.addEventListener("load", () => { if (chosen === nis) draw(nis); });
    document.head.append(script);
  };

  // -- choosing: the address of the page (#33021) is the one truth -----------------------

  const choose = () => {
    const asked = location.hash.slice(1);
    if (asked && asked !== ALL && !outlines.has(asked)) return; // another place on the page
    chosen = outlines.has(asked) ? asked : "";
    map.closePopup();
    byId("choice").value = chosen || ALL;
    for (const [nis, name] of names) name.getElement().classList.toggle("chosen", nis === chosen);
    byId("panel-all").hidden = Boolean(chosen);
    byId("panel-one").hidden = !chosen;
    delete byId("map").dataset.drawn;
    for (const group of groups.values()) group.clearLayers();
    gemeenten.setStyle(style);
    for (const row of document.querySelectorAll("tbody tr")) row.classList.toggle("chosen", row.dataset.nis === chosen);
    if (!chosen) {
      map.fitBounds(gemeenten.getBounds(), MARGIN);
      return;
    }
    const outline = outlines.get(chosen);
    outline.bringToFront();
    byId("panel-name").textContent = outline.feature.properties.name;
    byId("panel-xlsx").href = `${chosen}.xlsx`;
    byId("panel-geojson").href = `${chosen}.geojson`;
    map.fitBounds(outline.getBounds(), MARGIN);
    load(chosen);
  };

  byId("choice").addEventListener("change", (event) => { location.hash = event.target.value; });
  for (const box of boxes) box.addEventListener("change", showGroups);
  for (const link of document.querySelectorAll("tbody a[href^='#']")) {
    link.addEventListener("click", () => byId(ALL).scrollIntoView());
  }
  window.addEventListener("hashchange", choose);
  map.on("zoomend", resize);
  map.fitBounds(gemeenten.getBounds(), MARGIN);
  choose();
})();
