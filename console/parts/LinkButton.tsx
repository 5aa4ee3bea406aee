/** A button that leads to another page of the console, and is a link. */
import { Button } from "@mantine/core";
import { createLink } from "@tanstack/react-router";

export const LinkButton = createLink(Button<"a">);
