// The page of one hydrant (#id=...): its state, every inspection with where it is written, photos, and its neighbours.
// hydrants.js says how it is now; its history lies in one of the files history-0.js, history-1.js, ... beside it.
"use strict";

(() => {
  const { LOOKS, address, day, element, kind, number, symbol } = window.HYDRANTS;
  const { gemeente, histories, tiles } = window.BRANDKRANEN;
  const byId = (id) => document.getElementById(id);
  const hydrants = window.HYDRANTS.read();
  const perFile = Number(byId("hydrant").dataset.perFile);
  const NEIGHBOURS = 8;
  const SYMBOL_OF = { ok: "ok", failed: "failed", not_found: "failed", not_testable: "remaining" };

  const decimal = (value) => String(value).replace(".", ",");
  const capital = (text) => text.charAt(0).toLocaleUpperCase("nl") + text.slice(1);

  // -- back to the list as it was -----------------------------------------------------------
  byId("back").hash = window.HYDRANTS.kept(gemeente.nis);

  // -- how it is now ------------------------------------------------------------------------
  const showState = (one) => {
    const state = byId("state");
    state.className = `state-line is-${one.status}`;
    state.replaceChildren(symbol(one.status), capital(one.finding || LOOKS[one.status].label));
    byId("remark").hidden = !one.remark;
    byId("remark").textContent = capital(one.remark);
    const facts = [
      ["Laatst gecontroleerd", day(one.inspectedOn) || "nog niet"],
      ["Vergeefs geprobeerd", day(one.triedOn)],
      ["Straat (register)", one.street],
      ["Soort", kind(one)],
      ["Waterbedrijf", one.operator],
      ["Plaats (graden)", `${one.lat.toFixed(5)}, ${one.lon.toFixed(5)}`],
    ];
    byId("facts").replaceChildren(
      ...facts.filter(([, text]) => text).map(([name, text]) => {
        const pair = element("div");
        pair.append(element("dt", name), element("dd", text));
        return pair;
      }),
    );
    byId("repairs").hidden = one.defects.length === 0;
    byId("repair-list").replaceChildren(
      ...one.defects.map(({ label, repaired_by: who }) => {
        const line = element("li", capital(label));
        if (who) line.append(" ", element("small", `door ${who}`));
        return line;
      }),
    );
  };

  // -- where it is --------------------------------------------------------------------------
  let map;
  let layer;
  const showPlace = (one) => {
    map ??= window.HYDRANTS.map("map", tiles);
    layer?.remove();
    const here = L.latLng(one.lat, one.lon);
    // flat enough within a gemeente to tell who is near; the distance itself is measured on the globe
    const squeeze = Math.cos((one.lat * Math.PI) / 180);
    const away = (other) => (other.lat - one.lat) ** 2 + ((other.lon - one.lon) * squeeze) ** 2;
    const near = hydrants
      .filter((other) => other !== one)
      .map((other) => [away(other), other])
      .sort(([a], [b]) => a - b)
      .slice(0, NEIGHBOURS)
      .map(([, other]) => other);
    const shapes = near.map((other) => window.HYDRANTS.marker(other).bindPopup(() => window.HYDRANTS.popup(other, true)));
    const ring = L.circleMarker(here, { radius: 13, color: "#123c5a", weight: 3, fill: false, interactive: false });
    layer = L.layerGroup([...shapes, window.HYDRANTS.marker(one), ring]).addTo(map);
    map.fitBounds(L.latLngBounds([here, ...near.slice(0, 4).map((other) => [other.lat, other.lon])]), { maxZoom: 18, padding: [36, 36], animate: false });
    byId("near").hidden = near.length === 0;
    byId("neighbours").replaceChildren(
      ...near.map((other) => {
        const line = element("li");
        const link = element("a", other.id);
        link.href = address(other.id);
        line.append(symbol(other.status), link, ` ${number(Math.round(here.distanceTo([other.lat, other.lon])))} m, `, LOOKS[other.status].label);
        return line;
      }),
    );
  };

  // -- what was ever said of it -------------------------------------------------------------
  const load = (place, then) => {
    if (histories[place]) {
      then();
      return;
    }
    const script = element("script");
    script.src = `history-${place}.js`;
    script.addEventListener("load", then);
    script.addEventListener("error", then); // without a connection: what is known stays readable
    document.head.append(script);
  };
  const inspections = (index) => {
    const { columns, hydrants: own, files, defects, outcomes } = histories[Math.floor(index / perFile)];
    return own[index % perFile].map((row) => {
      const one = Object.fromEntries(columns.map((column, place) => [column, row[place]]));
      return {
        ...one,
        file: files[one.file][0],
        sha256: files[one.file][1],
        defects: one.defects.map((place) => defects[place]),
        label: outcomes[one.outcome] ?? one.outcome,
      };
    });
  };
  const small = (text) => element("small", text);
  const historyRow = (one) => {
    const line = element("tr", undefined, one.is_deciding ? "is-deciding" : undefined);
    const when = element("th", day(one.inspected_on));
    when.scope = "row";
    if (one.is_deciding) when.append(small("telt"));
    const what = element("td");
    if (SYMBOL_OF[one.outcome]) what.append(symbol(SYMBOL_OF[one.outcome]));
    what.append(element("span", one.label));
    for (const [label, who] of one.defects) what.append(small(who ? `${label} (door ${who})` : label));
    const said = element("td");
    if (one.remark) said.append(element("q", one.remark));
    const measured = [
      one.pressure_bar !== null && `druk ${decimal(one.pressure_bar)} bar`,
      one.flow_l_per_min !== null && `debiet ${decimal(one.flow_l_per_min)} l/min`,
    ].filter(Boolean);
    if (measured.length) said.append(small(measured.join(", ")));
    const pictures = [
      one.photos.length && `${one.photos.length} ${one.photos.length === 1 ? "foto" : "foto's"}`,
      one.photos_missing && `${one.photos_missing} niet ontvangen of onbruikbaar`,
    ].filter(Boolean);
    if (pictures.length) said.append(small(pictures.join(", ")));
    const where = element("td");
    where.append(element("span", one.file, "file"), small(`${one.sheet ? `blad ${one.sheet}, ` : ""}rij ${one.row_number}`));
    const how = [
      one.matched && `gevonden ${one.matched}`,
      one.distance_m !== null && `${decimal(one.distance_m)} m van het register`,
    ].filter(Boolean);
    if (how.length) where.append(small(how.join(", ")));
    where.append(small(`SHA-256 ${one.sha256}…`));
    line.append(when, what, said, where);
    return line;
  };
  const photo = (sha256, one) => {
    const line = element("li");
    const link = element("a");
    link.href = `photos/${sha256}.jpg`;
    const picture = element("img");
    picture.src = link.href;
    picture.loading = "lazy";
    picture.alt = `Foto bij de controle van ${day(one.inspected_on)}: ${one.label}`;
    link.append(picture);
    line.append(link, small(`${day(one.inspected_on)}, ${one.label}`));
    return line;
  };
  const showHistory = (one) => {
    if (one !== current) return; // another was asked for since
    const isThere = Boolean(histories[Math.floor(one.index / perFile)]);
    const found = isThere ? inspections(one.index) : [];
    byId("history").hidden = found.length === 0;
    byId("history-note").hidden = found.length === 0;
    byId("history-none").hidden = !isThere || found.length > 0;
    byId("history-lost").hidden = isThere;
    byId("history").querySelector("tbody").replaceChildren(...found.map(historyRow));
    const photos = found.flatMap((inspection) => inspection.photos.map((sha256) => photo(sha256, inspection)));
    byId("fotos").hidden = photos.length === 0;
    byId("photos").replaceChildren(...photos);
    document.documentElement.dataset.ready = "hydrant";
  };

  // -- which one ----------------------------------------------------------------------------
  const titled = (text) => {
    document.querySelector("h1").textContent = text;
    document.title = `${text}, ${document.querySelector("header time").textContent}`;
  };
  const showNone = (id) => {
    titled(`Brandkraan in ${gemeente.name}`);
    byId("missing-title").textContent = id ? "Niet gevonden" : "Welke brandkraan?";
    byId("missing-text").textContent = id
      ? `${gemeente.name} heeft geen brandkraan met nummer ${id}.`
      : "Geef het nummer van een brandkraan.";
    if (!byId("numbers").options.length) {
      byId("numbers").append(...hydrants.map((one) => {
        const option = element("option");
        option.value = one.id;
        return option;
      }));
    }
    document.documentElement.dataset.ready = "none";
  };
  let current;
  const follow = () => {
    const id = (new URLSearchParams(location.hash.slice(1)).get("id") ?? "").slice(0, 200);
    const one = hydrants.find((other) => other.id === id);
    current = one;
    byId("missing").hidden = Boolean(one);
    byId("hydrant").hidden = !one;
    if (!one) {
      showNone(id);
      return;
    }
    titled(`Brandkraan ${one.id}`);
    showState(one);
    showPlace(one);
    load(Math.floor(one.index / perFile), () => showHistory(one));
  };
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = new URLSearchParams({ id: byId("asked").value.trim() });
  });
  window.addEventListener("hashchange", () => {
    follow();
    window.scrollTo(0, 0);
  });
  follow();
})();
