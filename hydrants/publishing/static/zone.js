// A fire zone's list of what does not work: the rows are in the page; the choice lives in the address (#gemeente=33021&zoek=kerk).
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("filters");
  const { number } = window.FRAME;
  const parts = [...document.querySelectorAll(".part")].map((section) => ({
    section,
    nis: section.dataset.nis,
    rows: [...section.querySelectorAll("tbody tr")].map((row) => ({ row })),
  }));
  const total = parts.reduce((sum, part) => sum + part.rows.length, 0);
  // what is said of the failing one, not of its alternative; read at the first search: the page is there sooner
  const text = (one) =>
    (one.searched ??= [...one.row.cells].slice(0, -1).map((cell) => cell.textContent).join("\n").toLocaleLowerCase("nl"));

  const readAddress = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    const nis = given.get("gemeente") ?? "";
    return { gemeente: parts.some((part) => part.nis === nis) ? nis : "", zoek: (given.get("zoek") ?? "").slice(0, 100) };
  };
  const writeAddress = (choice) => {
    const said = new URLSearchParams(Object.entries(choice).filter(([, value]) => value));
    history.replaceState(null, "", `#${said}`);
  };
  const show = ({ gemeente, zoek }) => {
    const words = zoek.toLocaleLowerCase("nl").split(/\s+/).filter(Boolean);
    let found = 0;
    for (const part of parts) {
      const isChosen = !gemeente || part.nis === gemeente;
      let own = 0;
      for (const one of part.rows) {
        const isFound = isChosen && words.every((word) => text(one).includes(word));
        if (one.row.hidden === isFound) one.row.hidden = !isFound;
        own += isFound;
      }
      part.section.hidden = !isChosen || (words.length > 0 && own === 0);
      found += own;
    }
    byId("found").textContent = `${number(found)} van ${number(total)} brandkranen die niet in orde zijn`;
  };
  const follow = () => {
    const choice = readAddress();
    for (const [name, value] of Object.entries(choice)) byId(name).value = value;
    show(choice);
  };
  const change = () => {
    const choice = { gemeente: byId("gemeente").value, zoek: byId("zoek").value };
    show(choice);
    writeAddress(choice);
  };
  form.addEventListener("input", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    byId("gemeente").value = "";
    byId("zoek").value = "";
    change();
  });
  window.addEventListener("hashchange", follow);
  byId("print").hidden = false;
  byId("print").addEventListener("click", () => window.print());
  follow();
  document.documentElement.dataset.ready = "zone";
})();
