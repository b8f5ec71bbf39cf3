(function () {
  "use strict";
  function $(id) { return document.getElementById(id); }
  function list(nodes) { return Array.prototype.slice.call(nodes); }

  // -- search: characters, pinyin, initials ------------------------------------------------------------------
  function folded(text) {
    return text.normalize("NFKD").toLowerCase().replace(/u\u0308/g, "v").replace(/[\u0300-\u036f\s'’·-]/g, "");
  }
  // What is typed is beginnings of syllables in a row: "wuhua", "whq", "wuhq" spell [[wu], [hua], [qu, ou]].
  function spells(typed, syllables, from) {
    if (typed === "") { return true; }
    if (from === syllables.length) { return false; }
    return syllables[from].some(function (reading) {
      for (var n = 1; n <= Math.min(reading.length, typed.length) && reading[n - 1] === typed[n - 1]; n += 1) {
        if (spells(typed.slice(n), syllables, from + 1)) { return true; }
      }
      return false;
    });
  }
  function found(typed, item) {
    return folded(item.name).indexOf(typed) !== -1 ||
      item.syllables.some(function (_, i) { return spells(typed, item.syllables, i); });
  }

  // -- the table: sorting and filtering; the drawings follow --------------------------------------------------
  function units() {
    var body = $("rows"), panels = $("panels"), shown = $("shown"), sorted = "";
    var drawn = {};
    list(panels ? panels.children : []).forEach(function (panel) { drawn[panel.dataset.name] = panel; });
    var items = list(body.rows).map(function (row) {
      var spelled = row.dataset.spelled.split(" ").map(function (s) { return s.split("/").filter(Boolean); });
      return { row: row, name: row.dataset.name, panel: drawn[row.dataset.name], syllables: spelled };
    });
    var buttons = list(document.querySelectorAll("#units th button"));
    var collator = new Intl.Collator("zh-CN");

    function key(item, column) {
      var cell = item.row.cells[column];
      return cell.hasAttribute("data-key") ? cell.getAttribute("data-key") : cell.textContent;
    }
    function compare(a, b, column, way) {
      var x = key(a, column), y = key(b, column);
      if (x === "" || y === "") { return (x === "") - (y === ""); }
      var p = Number(x), q = Number(y);
      return way * (isNaN(p) || isNaN(q) ? collator.compare(x, y) : p - q);
    }
    function tell() {
      var n = items.filter(function (item) { return !item.row.hidden; }).length;
      var text = shown.dataset.template.replace("%n", n).replace("%all", items.length);
      shown.textContent = sorted ? sorted.replace("%shown", text) : text;
    }
    buttons.forEach(function (button) {
      button.addEventListener("click", function () {
        var head = button.closest("th"), column = Number(button.dataset.column);
        var up = head.getAttribute("aria-sort") !== "ascending";
        buttons.forEach(function (other) { other.closest("th").setAttribute("aria-sort", "none"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        items.sort(function (a, b) { return compare(a, b, column, up ? 1 : -1); });
        items.forEach(function (item) {
          body.appendChild(item.row);
          if (item.panel) { panels.appendChild(item.panel); }
        });
        sorted = shown.dataset.sorted.replace("%column", button.textContent).replace("%way", up ? shown.dataset.up : shown.dataset.down);
        tell();
      });
    });
    function filter() {
      var typed = folded($("filter").value);
      items.forEach(function (item) {
        var keep = ["group", "state"].every(function (name) {
          return !$(name) || !$(name).value || item.row.dataset[name] === $(name).value;
        });
        item.row.hidden = !(keep && found(typed, item));
        if (item.panel) { item.panel.hidden = item.row.hidden; }
      });
      tell();
    }
    ["filter", "group", "state"].forEach(function (id) {
      if ($(id)) { $(id).addEventListener("input", filter); }
    });
    filter();
  }

  // -- two units or two periods side by side -------------------------------------------------------------------
  function pairs(data) {
    var words = data.words, table = $("pair"), names = {};
    data.periods.forEach(function (p) { names[p[0]] = p[1]; });

    function option(value, label) {
      var made = document.createElement("option");
      made.value = value;
      made.textContent = label;
      return made;
    }
    function cell(kind, text, side) {
      var made = document.createElement(kind), address = side && (data.links[side.period] || {})[side.unit];
      if (side && text !== words.missing) { made.className = "right"; }
      if (address && text !== words.missing) {
        var link = document.createElement("a");
        link.href = address;
        link.textContent = text;
        made.appendChild(link);
      } else { made.textContent = text; }
      return made;
    }
    // As the reports round: half away from zero on the decimal that is written.
    function rounded(value, digits) {
      var size = Number(Math.round(Number(Math.abs(value).toFixed(6) + "e" + digits)) + "e-" + digits);
      return (size === 0 ? "" : value > 0 ? "+" : "-") + size.toFixed(digits);
    }
    function difference(a, b, kind) {
      if (a.length < 2 || b.length < 2) { return words.missing; }
      var gap = b[1] - a[1];
      if (kind === "percent") { return words.percent.replace("%n", rounded(100 * gap, 1)); }
      return rounded(gap, kind === "integer" ? 0 : 1);
    }
    function side(name) { return { unit: $("unit-" + name).value, period: $("period-" + name).value }; }
    function figure(of, measure) { return ((data.cells[of.period] || {})[of.unit] || {})[measure] || [words.missing]; }

    function compare() {
      var a = side("a"), b = side("b"), n = 0, m = 0, k = 0, part = "", body;
      list(table.tBodies).forEach(function (old) { old.remove(); });
      $("head-a").textContent = a.unit + " " + names[a.period];
      $("head-b").textContent = b.unit + " " + names[b.period];
      var title = words.title.replace("%a", a.unit).replace("%c", names[a.period]).replace("%b", b.unit).replace("%d", names[b.period]);
      $("pairt").textContent = title;
      data.measures.forEach(function (measure) {
        var x = figure(a, measure[0]), y = figure(b, measure[0]), both = x.length === 4 && y.length === 4;
        if (x[0] === words.missing && y[0] === words.missing) { return; }
        if (measure[3] !== part) {
          part = measure[3];
          body = table.createTBody();
          var head = cell("th", part);
          head.colSpan = 5;
          head.scope = "rowgroup";
          body.insertRow().appendChild(head);
        }
        var row = body.insertRow(), name = cell("th", measure[1]), apart = both && (x[2] > y[3] || y[2] > x[3]);
        name.scope = "row";
        name.className = "left";
        var gap = cell("td", difference(x, y, measure[2]));
        gap.className = "right";
        [name, cell("td", x[0], a), cell("td", y[0], b), gap, cell("td", both ? (apart ? words.apart : words.overlap) : words.missing)]
          .forEach(function (made) { row.appendChild(made); });
        n += x.length > 1 && y.length > 1;
        m += both;
        k += apart;
      });
      var same = a.unit === b.unit && a.period === b.period;
      var told = words.told.replace("%t", title).replace("%n", n).replace("%m", m).replace("%k", k);
      $("told").textContent = same ? words.same : told;
    }
    ["a", "b"].forEach(function (name) {
      data.units.forEach(function (unit) { $("unit-" + name).appendChild(option(unit, unit)); });
      data.periods.forEach(function (p) { $("period-" + name).appendChild(option(p[0], p[1])); });
      $("period-" + name).value = data.period;
      ["unit-", "period-"].forEach(function (what) { $(what + name).addEventListener("change", compare); });
    });
    // The city stands first; the first two districts say more.
    $("unit-a").selectedIndex = Math.min(1, data.units.length - 1);
    $("unit-b").selectedIndex = data.units.length > 2 ? 2 : 0;
    $("swap").addEventListener("click", function () {
      ["unit-", "period-"].forEach(function (what) {
        var kept = $(what + "a").value;
        $(what + "a").value = $(what + "b").value;
        $(what + "b").value = kept;
      });
      compare();
    });
    compare();
    $("compare").hidden = false;
  }

  if ($("rows")) { units(); }
  if ($("data")) { pairs(JSON.parse($("data").textContent)); }
}());
