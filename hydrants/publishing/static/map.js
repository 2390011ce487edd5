// What every map of the site shares: the symbols of a hydrant's state, the reading of its data, the map itself.
// Data comes as scripts that fill window.BRANDKRANEN, so that the pages also open from disk; every text from data
// goes in as text (textContent), never as HTML.
"use strict";

window.HYDRANTS = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const STATUSES = ["ok", "failed", "remaining"]; // as hydrants.js counts them
  const DRAW_ORDER = ["ok", "remaining", "failed"]; // what does not work lies on top
  const LOOKS = {
    ok: { label: "in orde", radius: 5, weight: 1, color: "#ffffff", fillColor: "#007a5a" },
    failed: { label: "niet in orde", radius: 7, weight: 1.5, color: "#5c1d04", fillColor: "#c2410c" },
    remaining: { label: "nog te controleren", radius: 4.5, weight: 1.75, color: "#4b5762", fillColor: "#ffffff" },
  };
  const SHAPES = {
    ok: ["circle", { cx: 8, cy: 8, r: 6 }],
    failed: ["path", { d: "M8 1.5 15 14.5H1z" }],
    remaining: ["rect", { x: 2.5, y: 2.5, width: 11, height: 11 }],
  };

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const drawn = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const symbol = (status) => {
    const made = drawn("svg", { class: `symbol is-${status}`, viewBox: "0 0 16 16", "aria-hidden": "true" });
    made.append(drawn(...SHAPES[status]));
    return made;
  };
  const day = (iso) => (iso ? iso.split("-").reverse().join("/") : "");
  const { number } = window.FRAME;

  // the hydrants of a gemeente, from the columns and words of its hydrants.js
  const read = () => {
    const { columns, words } = window.BRANDKRANEN;
    const word = (name, index) => (columns[name][index] < 0 ? "" : words[name][columns[name][index]]);
    return columns.id.map((id, index) => ({
      id,
      index,
      lat: columns.lat[index],
      lon: columns.lon[index],
      status: STATUSES[columns.status[index]],
      finding: word("finding", index),
      remark: word("remark", index),
      inspectedOn: columns.inspected_on[index],
      triedOn: columns.tried_on[index],
      street: word("street", index),
      kind: word("kind", index),
      diameter: columns.diameter[index],
      operator: word("operator", index),
      defects: columns.defects[index].map((place) => words.defects[place]),
    }));
  };

  // a state has a shape beside its colour: not everybody tells the colours apart;
  // drawn once for each size and stamped from then on, which is several times faster than drawing each
  const PIXELS = 2; // of the picture for each of the page
  const stamps = new Map();
  const stamp = (status, radius, weight) => {
    const key = `${status} ${radius}`;
    if (stamps.has(key)) return stamps.get(key);
    const r = Math.max(radius, 1);
    const picture = element("canvas");
    picture.width = picture.height = 2 * PIXELS * Math.ceil(r + weight + 1);
    const ctx = picture.getContext("2d");
    ctx.scale(PIXELS, PIXELS);
    ctx.translate(picture.width / PIXELS / 2, picture.height / PIXELS / 2);
    ctx.beginPath();
    if (status === "failed") {
      ctx.moveTo(0, -r);
      ctx.lineTo(r, 0.86 * r);
      ctx.lineTo(-r, 0.86 * r);
      ctx.closePath();
    } else if (status === "remaining") {
      ctx.rect(-r, -r, 2 * r, 2 * r);
    } else {
      ctx.arc(0, 0, r, 0, 2 * Math.PI);
    }
    const { color, fillColor } = LOOKS[status];
    ctx.fillStyle = fillColor;
    ctx.fill();
    ctx.lineWidth = weight;
    ctx.strokeStyle = color;
    ctx.stroke();
    stamps.set(key, picture);
    return picture;
  };
  L.Canvas.include({
    _updateSymbol(layer) {
      if (!this._drawing || layer._empty()) return;
      const picture = stamp(layer.options.status, layer._radius, layer.options.weight);
      const half = picture.width / PIXELS / 2;
      this._ctx.drawImage(picture, layer._point.x - half, layer._point.y - half, 2 * half, 2 * half);
    },
  });
  const Symbol = L.CircleMarker.extend({
    _updatePath() {
      this._renderer._updateSymbol(this);
    },
  });
  const marker = (hydrant) => new Symbol([hydrant.lat, hydrant.lon], { hydrant, status: hydrant.status, ...LOOKS[hydrant.status] });

  // smaller when seen from afar, where they would cover each other
  const scale = (map) => Math.min(1, Math.max(0.4, 0.4 + (map.getZoom() - 11) / 6));
  const resize = (map, markers) => {
    const times = scale(map);
    for (const one of markers) {
      const { radius, weight } = LOOKS[one.options.status];
      one.options.weight = weight * Math.sqrt(times);
      one.setRadius(radius * times);
    }
  };

  const map = (target, tiles) => {
    const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const made = L.map(target, {
      preferCanvas: true,
      attributionControl: false,
      zoomSnap: 0.25,
      fadeAnimation: false,
      zoomAnimation: !isCalm,
      inertia: !isCalm,
    });
    for (const [part, title] of [["in", "Inzoomen"], ["out", "Uitzoomen"]]) {
      const button = made.getContainer().querySelector(`.leaflet-control-zoom-${part}`);
      button.title = title;
      button.setAttribute("aria-label", title);
    }
    made.on("popupopen", ({ popup: open }) => {
      open.getElement().querySelector(".leaflet-popup-close-button").setAttribute("aria-label", "Sluiten");
    });
    if (tiles.url) {
      const note = L.control.attribution({ prefix: false }).addTo(made);
      L.tileLayer(tiles.url, { maxZoom: 21 }).addTo(made);
      const whose = document.createElement("span");
      whose.textContent = tiles.attribution; // Leaflet takes HTML: this is text
      note.addAttribution(whose.innerHTML);
    }
    return made;
  };

  const outline = (area) =>
    L.geoJSON(area, { interactive: false, style: { color: "#51606d", weight: 1.5, fillColor: "#ffffff", fillOpacity: 0.55 } });

  const popup = (hydrant, withLink) => {
    const box = element("div", undefined, "popup");
    box.append(element("b", hydrant.id));
    const state = element("p", undefined, `is-${hydrant.status}`);
    state.append(symbol(hydrant.status), hydrant.finding || LOOKS[hydrant.status].label);
    box.append(state);
    const lines = [
      hydrant.remark,
      hydrant.inspectedOn && `gecontroleerd op ${day(hydrant.inspectedOn)}`,
      hydrant.triedOn && `vergeefs geprobeerd op ${day(hydrant.triedOn)}`,
      hydrant.street,
      kind(hydrant),
      hydrant.operator,
    ];
    for (const line of lines) if (line) box.append(element("p", line));
    if (withLink) {
      const link = element("a", "Alles over deze brandkraan");
      link.href = address(hydrant.id);
      box.append(link);
    }
    return box;
  };
  const kind = (hydrant) => [hydrant.kind, hydrant.diameter && `${hydrant.diameter} mm`].filter(Boolean).join(", ");
  const address = (id) => `hydrant.html#${new URLSearchParams({ id })}`;

  // the choice that a gemeente's list was left with, for the way back; where nothing may be kept, there is none
  const keep = (nis, hash) => {
    try {
      sessionStorage.setItem(`choice-${nis}`, hash);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  };
  const kept = (nis) => {
    try {
      return sessionStorage.getItem(`choice-${nis}`) ?? "";
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return "";
    }
  };

  return { LOOKS, DRAW_ORDER, address, day, drawn, element, keep, kept, kind, map, marker, number, outline, popup, read, resize, symbol };
})();
