(function () {
  "use strict";
  var body = document.getElementById("rows");
  if (!body) { return; }
  var rows = Array.prototype.slice.call(body.rows);
  var buttons = Array.prototype.slice.call(document.querySelectorAll("th button"));
  var collator = new Intl.Collator(document.documentElement.lang);

  function key(row, column) {
    var cell = row.cells[column];
    return cell.hasAttribute("data-key") ? cell.getAttribute("data-key") : cell.textContent;
  }
  function compare(a, b, column, way) {
    var x = key(a, column), y = key(b, column);
    if (x === "" || y === "") { return (x === "") - (y === ""); }
    var p = Number(x), q = Number(y);
    var order = isNaN(p) || isNaN(q) ? collator.compare(x, y) : p - q;
    return way * order;
  }
  buttons.forEach(function (button) {
    button.addEventListener("click", function () {
      var head = button.closest("th"), column = Number(button.dataset.column);
      var up = head.getAttribute("aria-sort") !== "ascending";
      buttons.forEach(function (other) { other.closest("th").setAttribute("aria-sort", "none"); });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      rows.sort(function (a, b) { return compare(a, b, column, up ? 1 : -1); });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });

  var field = document.getElementById("filter"), shown = document.getElementById("shown");
  function filter() {
    var wanted = field.value.trim().toLowerCase(), n = 0;
    rows.forEach(function (row) {
      var keep = row.dataset.name.toLowerCase().indexOf(wanted) !== -1;
      row.hidden = !keep;
      n += keep ? 1 : 0;
    });
    shown.textContent = shown.dataset.template.replace("%n", n).replace("%all", rows.length);
  }
  field.addEventListener("input", filter);
  filter();
}());
