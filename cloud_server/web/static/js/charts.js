/* Drawings from the numbers that a page carries: ink on paper, told apart by shape and not by colour. */
"use strict";

(() => {
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (value, unit) => value === null || value === undefined ? "\u2013" : `${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ${unit}`;

  const seriesOf = (one, index, time) => {
    const colour = index === 0 ? ink("--ink") : ink("--soft");
    const data = time ? one.values.map((value, at) => [time.at[at], value]) : one.values;
    const base = { name: `${one.name} ${one.unit}`, data, yAxisIndex: one.right ? 1 : 0, animation: false, color: colour };
    if (one.shape === "bar") return { ...base, type: "bar", barCategoryGap: "30%" };
    return {
      ...base, type: "line", connectNulls: false, showSymbol: one.shape === "line", symbolSize: 5,
      step: one.shape === "step" || one.shape === "dashed" ? "end" : false,
      lineStyle: { width: index === 0 ? 2 : 1.5, type: one.shape === "dashed" ? [4, 3] : "solid" },
      areaStyle: one.shape === "step" ? { opacity: 0.12 } : undefined,
    };
  };

  const timeAxis = (time, soft, line) => ({
    type: "value", min: 0, max: time.length_minutes, interval: time.tick_minutes, splitLine: { show: false },
    axisLabel: { ...soft, formatter: (at) => time.ticks[at / time.tick_minutes] ?? "" }, axisLine: line, axisTick: { show: true, ...line },
  });

  const draw = (place) => {
    const told = JSON.parse(place.dataset.chart);
    place.hidden = false;
    const soft = { color: ink("--soft"), fontSize: 12 }, line = { lineStyle: { color: ink("--line") } };
    const axis = (right) => ({
      type: "value", axisLabel: soft, splitLine: { show: !right, ...line }, position: right ? "right" : "left",
    });
    const right = told.series.find((one) => one.right);
    const chart = echarts.init(place, null, { renderer: "canvas" });
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 8, right: 8, top: 32, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: ink("--ink"), fontSize: 12 }, itemWidth: 20 },
      tooltip: {
        trigger: "axis", renderMode: "richText", backgroundColor: ink("--press"), textStyle: { color: ink("--on-press"), fontSize: 12 }, borderWidth: 0,
        formatter: (rows) => [told.labels[rows[0].dataIndex], ...rows.map((row) => `${told.series[row.seriesIndex].name}  ${number(told.time ? row.value[1] : row.value, told.series[row.seriesIndex].unit)}`)].join("\n"),
      },
      xAxis: told.time ? timeAxis(told.time, soft, line) : { type: "category", data: told.labels, axisLabel: soft, axisLine: line, axisTick: { show: false } },
      yAxis: right ? [axis(false), axis(true)] : [axis(false)],
      series: told.series.map((one, index) => seriesOf(one, index, told.time)),
    });
    place.dataset.drawn = "yes";
  };

  const places = () => document.querySelectorAll("[data-chart]");
  const drawAll = () => { for (const place of places()) { echarts.getInstanceByDom(place)?.dispose(); draw(place); } };
  const fit = () => { for (const place of places()) echarts.getInstanceByDom(place)?.resize(); };
  drawAll();
  document.body.addEventListener("htmx:afterSettle", drawAll);
  for (const kind of ["resize", "beforeprint"]) addEventListener(kind, fit);
  for (const look of ["(prefers-color-scheme: dark)", "print"]) matchMedia(look).addEventListener("change", drawAll);
})();
