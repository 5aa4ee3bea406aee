/** In which order the test files begin. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** They take 20 seconds and more, whatever their size. */
const long =
  /\/test\/(standalone\/(browser|console|consoleRooms|demo|launcher|presence|schemathesis|streams)|chaos\/network)\.test\.ts$/;

/**
 * If a long file began last, the other core would wait for its end. Vitest begins with what took long the last time and, where it has
 * no memory of that, as in CI, with the largest: those that are made of other files are the smallest.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
