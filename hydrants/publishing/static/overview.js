// The overview's map: gemeenten shaded by how many of their hydrants are checked.
"use strict";

(() => {
  const { element, drawn } = window.HYDRANTS;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const PROGRESS = [
    { from: 1, fill: "#0f4c75", label: "alles" },
    { from: 0.8, fill: "#3f7fa8", label: "80 % of meer" },
    { from: 0.6, fill: "#84b3d1", label: "60 tot 80 %" },
    { from: 0.4, fill: "#bad5e6", label: "40 tot 60 %" },
    { from: 0, fill: "#ecf3f8", label: "minder dan 40 %" },
  ];
  const NOTHING_THERE = "#f7f7f5";

  const fill = ({ registered, checked }) =>
    registered ? PROGRESS.find((step) => checked / registered >= step.from).fill : NOTHING_THERE;
  const open = (nis) => { location.href = `${nis}/index.html`; };

  const map = window.HYDRANTS.map("map", data.tiles);
  const gemeenten = L.geoJSON(data.gemeenten, {
    style: ({ properties }) => ({ color: "#51606d", weight: 1, fillColor: fill(properties), fillOpacity: data.tiles.url ? 0.75 : 1 }),
    onEachFeature: ({ properties }, layer) => {
      const { nis, name, percent, label_at: [lon, lat], is_small: isSmall } = properties;
      layer.on("click", () => open(nis));
      layer.on("mouseover", () => layer.setStyle({ weight: 3 }));
      layer.on("mouseout", () => layer.setStyle({ weight: 1 }));
      const label = element("span");
      label.append(element("span", name, "place"), percent);
      L.tooltip({ permanent: true, direction: isSmall ? "right" : "center", className: "name" })
        .setLatLng([lat, lon])
        .setContent(label)
        .addTo(map);
    },
  }).addTo(map);
  // seen from afar, names would cover each other: the table has them
  const ROOM_PX = 420;
  map.on("zoomend", () => {
    const { x } = map.latLngToLayerPoint(gemeenten.getBounds().getNorthEast()).subtract(map.latLngToLayerPoint(gemeenten.getBounds().getSouthWest()));
    map.getContainer().classList.toggle("is-small", x < ROOM_PX);
  });
  if (data.gemeenten.features.length) map.fitBounds(gemeenten.getBounds(), { padding: [12, 12], animate: false });

  for (const step of PROGRESS) {
    const line = element("li");
    const swatch = drawn("svg", { "aria-hidden": "true" });
    swatch.append(drawn("rect", { width: "100%", height: "100%", fill: step.fill, stroke: "#8795a1" }));
    line.append(swatch, step.label);
    byId("progress-legend").append(line);
  }

  byId("choice").form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("choice").value) open(byId("choice").value);
  });
  document.documentElement.dataset.ready = "map";
})();
