// Tables are sorted by the buttons in their headings; everything is readable without.
(function () {
  "use strict";

  function value(row, column, isNumber) {
    var cell = row.cells[column];
    var text = cell ? cell.textContent.trim() : "";
    if (!isNumber) { return text.toLowerCase(); }
    var number = parseFloat(text.replace(/\u2212/g, "-").replace(/[^0-9.e+-]/g, ""));
    return isNaN(number) ? Infinity : number;
  }

  function compare(a, b) { return a < b ? -1 : a > b ? 1 : 0; }

  function sort(table, column, isNumber, direction) {
    Array.prototype.forEach.call(table.tBodies, function (body) {
      var rows = Array.prototype.filter.call(body.rows, function (row) { return row.className !== "group"; });
      rows.map(function (row, place) { return { row: row, place: place, key: value(row, column, isNumber) }; })
        .sort(function (a, b) {
          if (a.key === Infinity || b.key === Infinity) { return compare(a.key, b.key) || a.place - b.place; }
          return direction * compare(a.key, b.key) || a.place - b.place;
        })
        .forEach(function (entry) { body.appendChild(entry.row); });
    });
  }

  Array.prototype.forEach.call(document.querySelectorAll("table"), function (table) {
    var heads = table.tHead ? table.tHead.rows[0].cells : [];
    Array.prototype.forEach.call(heads, function (head, column) {
      if (!head.textContent) { return; }
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", function () {
        var next = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
        Array.prototype.forEach.call(heads, function (other) {
          if (other.hasAttribute("aria-sort")) { other.setAttribute("aria-sort", "none"); }
        });
        head.setAttribute("aria-sort", next);
        sort(table, column, head.className === "number", next === "ascending" ? 1 : -1);
      });
    });
  });
})();
