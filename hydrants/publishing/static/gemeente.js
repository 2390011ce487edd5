// A gemeente: map and table show the same hydrants, chosen by filters that live in the address (#toestand=failed&zoek=kerk).
"use strict";

(() => {
  const { LOOKS, DRAW_ORDER, address, day, element, kind, number, symbol } = window.HYDRANTS;
  const { gemeente, tiles } = window.BRANDKRANEN;
  const byId = (id) => document.getElementById(id);
  const hydrants = window.HYDRANTS.read();
  const form = byId("filters");
  const PER_PAGE = 100;
  const MARGIN = { padding: [12, 12], animate: false };

  // read at the first search, not on arrival: the page is there sooner
  const searched = (one) => (one.searched ??= [one.id, one.street, one.finding, one.remark].join("\n").toLowerCase());
  for (const status of DRAW_ORDER) {
    byId(`count-${status}`).textContent = number(hydrants.filter((one) => one.status === status).length);
  }

  // -- the choice: the address of the page is the one truth --------------------------------
  const ORDERS = {
    id: (one) => one.id,
    status: (one) => `${DRAW_ORDER.length - DRAW_ORDER.indexOf(one.status)}${one.finding}`,
    gecontroleerd: (one) => one.inspectedOn,
    straat: (one) => one.street,
  };
  const DEFAULT = { toestand: [...DRAW_ORDER], zoek: "", gebrek: "", hersteller: "", bedrijf: "", volgorde: "status", pagina: 1 };

  const oneOf = (select, value) => (select && [...select.options].some((option) => option.value === value) ? value : "");
  const readAddress = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    const asked = (given.get("toestand") ?? DRAW_ORDER.join(",")).split(",").filter((status) => status in LOOKS);
    const order = given.get("volgorde") ?? "";
    return {
      toestand: asked,
      zoek: (given.get("zoek") ?? "").slice(0, 100),
      gebrek: oneOf(byId("gebrek"), given.get("gebrek")),
      hersteller: oneOf(byId("hersteller"), given.get("hersteller")),
      bedrijf: oneOf(byId("bedrijf"), given.get("bedrijf")),
      volgorde: Object.hasOwn(ORDERS, order.replace(/^-/, "")) ? order : DEFAULT.volgorde,
      pagina: Math.max(1, Number.parseInt(given.get("pagina"), 10) || 1),
    };
  };
  const writeAddress = (choice) => {
    const said = new URLSearchParams();
    if (choice.toestand.length < DRAW_ORDER.length) said.set("toestand", choice.toestand.join(","));
    for (const name of ["zoek", "gebrek", "hersteller", "bedrijf"]) if (choice[name]) said.set(name, choice[name]);
    if (choice.volgorde !== DEFAULT.volgorde) said.set("volgorde", choice.volgorde);
    if (choice.pagina > 1) said.set("pagina", choice.pagina);
    const text = said.toString().replaceAll("%2C", ",");
    history.replaceState(null, "", text ? `#${text}` : "#");
    window.HYDRANTS.keep(gemeente.nis, text);
  };
  const fillForm = (choice) => {
    for (const box of form.elements.toestand) box.checked = choice.toestand.includes(box.value);
    for (const name of ["zoek", "gebrek", "hersteller", "bedrijf"]) {
      if (byId(name) && byId(name).value !== choice[name]) byId(name).value = choice[name];
    }
  };
  const readForm = () => ({
    ...choice,
    toestand: [...form.elements.toestand].filter((box) => box.checked).map((box) => box.value),
    ...Object.fromEntries(["zoek", "gebrek", "hersteller", "bedrijf"].map((name) => [name, byId(name)?.value ?? ""])),
    pagina: 1,
  });

  const matches = ({ toestand, zoek, gebrek, hersteller, bedrijf }) => {
    const words = zoek.toLowerCase().split(/\s+/).filter(Boolean);
    return hydrants.filter(
      (one) =>
        toestand.includes(one.status) &&
        words.every((word) => searched(one).includes(word)) &&
        (!gebrek || one.defects.some((defect) => defect.code === gebrek)) &&
        (!hersteller || one.defects.some((defect) => defect.repaired_by === hersteller)) &&
        (!bedrijf || one.operator === bedrijf),
    );
  };
  // every text once, in order: comparing words is slow, and most hydrants share theirs
  const places = (texts, compare) => new Map([...texts].sort(compare).map((text, place) => [text, place]));
  const sorted = (found, volgorde) => {
    const name = volgorde.replace(/^-/, "");
    const sign = volgorde.startsWith("-") ? -1 : 1;
    const keys = found.map(ORDERS[name]);
    // the order on arrival is of our own few words, and does without the rules of a language: they take long to come
    const compare = name === DEFAULT.volgorde ? undefined : new Intl.Collator("nl", { numeric: true }).compare;
    const place = places(new Set(keys), compare);
    return found
      .map((one, index) => [place.get(keys[index]), one])
      .sort(([a, one], [b, other]) => sign * (a - b) || one.index - other.index)
      .map(([, one]) => one);
  };

  // -- the map ----------------------------------------------------------------------------
  const map = window.HYDRANTS.map("map", tiles);
  const markers = new Map();
  const layers = new Map(DRAW_ORDER.map((status) => [status, L.featureGroup()]));
  const area = gemeente.area && window.HYDRANTS.outline(gemeente.area).addTo(map);
  const markerOf = (one) => {
    if (!markers.has(one)) markers.set(one, window.HYDRANTS.marker(one));
    return markers.get(one);
  };
  const popUp = (one) => L.popup().setLatLng([one.lat, one.lon]).setContent(window.HYDRANTS.popup(one, true)).openOn(map);
  for (const layer of layers.values()) layer.on("click", (event) => popUp(event.propagatedFrom.options.hydrant));
  const showOnMap = (found) => {
    for (const layer of layers.values()) layer.remove().clearLayers();
    for (const one of found) layers.get(one.status).addLayer(markerOf(one));
    window.HYDRANTS.resize(map, markers.values());
    for (const status of DRAW_ORDER) layers.get(status).addTo(map);
    byId("map").dataset.drawn = found.length;
  };
  map.on("zoomend", () => window.HYDRANTS.resize(map, markers.values()));

  const point = (one) => {
    map.setView([one.lat, one.lon], Math.max(map.getZoom(), 16), { animate: false });
    popUp(one);
    byId("map").scrollIntoView({ block: "nearest" });
  };

  // -- the table --------------------------------------------------------------------------
  const row = (one) => {
    const line = element("tr");
    const name = element("th");
    name.scope = "row";
    const link = element("a", one.id);
    link.href = address(one.id);
    name.append(link);
    for (const text of [kind(one), byId("bedrijf") && one.operator]) if (text) name.append(element("small", text));
    const state = element("td");
    state.append(symbol(one.status), element("span", one.finding || LOOKS[one.status].label));
    const aside = [one.remark, one.triedOn && `vergeefs geprobeerd op ${day(one.triedOn)}`].filter(Boolean).join("; ");
    if (aside) state.append(element("small", aside));
    const where = element("td");
    const button = element("button", `${one.lat.toFixed(5)}, ${one.lon.toFixed(5)}`);
    button.type = "button";
    button.title = "Toon op de kaart";
    button.setAttribute("aria-label", `Toon ${one.id} op de kaart: ${button.textContent}`);
    button.addEventListener("click", () => point(one));
    where.append(button);
    line.append(name, state, element("td", day(one.inspectedOn)), element("td", one.street), where);
    return line;
  };
  const showInTable = (found, perPage = PER_PAGE) => {
    const pages = Math.max(1, Math.ceil(found.length / perPage));
    choice.pagina = Math.min(choice.pagina, pages);
    const first = (choice.pagina - 1) * perPage;
    const shown = found.slice(first, first + perPage);
    const body = byId("hydrants").tBodies[0];
    body.replaceChildren(...shown.map(row));
    const range = shown.length ? `${number(first + 1)} tot ${number(first + shown.length)} van ${number(found.length)}` : "geen";
    byId("shown").textContent = range;
    byId("found").textContent = `${number(found.length)} van ${number(hydrants.length)} brandkranen`;
    byId("pages").hidden = pages === 1;
    byId("page").textContent = `bladzijde ${choice.pagina} van ${pages}`;
    byId("earlier").disabled = choice.pagina === 1;
    byId("later").disabled = choice.pagina === pages;
    for (const heading of headings) {
      heading.removeAttribute("aria-sort");
      if (choice.volgorde === heading.dataset.sort) heading.setAttribute("aria-sort", "ascending");
      if (choice.volgorde === `-${heading.dataset.sort}`) heading.setAttribute("aria-sort", "descending");
    }
  };
  const headings = [...document.querySelectorAll("#hydrants th[data-sort]")];
  for (const heading of headings) {
    const button = element("button", heading.textContent);
    button.type = "button";
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const key = heading.dataset.sort;
      change({ ...choice, volgorde: choice.volgorde === key ? `-${key}` : key, pagina: 1 });
    });
  }
  const turn = (step) => () => {
    change({ ...choice, pagina: choice.pagina + step });
    byId("list").scrollTop = 0;
    byId("list").focus();
  };
  byId("earlier").addEventListener("click", turn(-1));
  byId("later").addEventListener("click", turn(1));

  // -- both -------------------------------------------------------------------------------
  let choice = { ...DEFAULT };
  let found = [];
  const show = () => {
    found = sorted(matches(choice), choice.volgorde);
    showInTable(found);
    showOnMap(found);
  };
  const change = (asked) => {
    const isSameSet = JSON.stringify({ ...asked, volgorde: 0, pagina: 0 }) === JSON.stringify({ ...choice, volgorde: 0, pagina: 0 });
    choice = asked;
    if (isSameSet) {
      found = sorted(found, choice.volgorde);
      showInTable(found); // the map does not depend on order and page
    } else {
      show();
    }
    writeAddress(choice);
  };
  form.addEventListener("input", () => change(readForm()));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    fillForm(DEFAULT);
    change({ ...DEFAULT });
  });
  const follow = () => {
    choice = readAddress();
    fillForm(choice);
    show();
    window.HYDRANTS.keep(gemeente.nis, location.hash.slice(1));
  };
  // paper has no next page to turn to
  window.addEventListener("beforeprint", () => {
    const { pagina } = choice;
    showInTable(found, Math.max(found.length, PER_PAGE));
    choice.pagina = pagina;
  });
  window.addEventListener("afterprint", () => showInTable(found));
  window.addEventListener("hashchange", () => {
    follow();
    byId("brandkranen").scrollIntoView();
  });

  if (area) map.fitBounds(area.getBounds(), MARGIN);
  else if (hydrants.length) map.fitBounds(L.latLngBounds(hydrants.map((one) => [one.lat, one.lon])), MARGIN);
  else map.setView([50.95, 2.8], 10);
  follow();
  document.documentElement.dataset.ready = "hydrants";
})();
